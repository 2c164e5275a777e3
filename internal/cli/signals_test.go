package cli

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
)

// TestStopping: one signal stops, two cut; SIGHUP does neither where somebody
// takes it.
func TestStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		hangup := make(chan struct{}, 1)
		stop, cut, free := stopping(context.Background(), signals, hangup)
		state := func(stopped, cutOff bool, hangups int) {
			t.Helper()
			synctest.Wait()
			if (stop.Err() != nil) != stopped || (cut.Err() != nil) != cutOff || len(hangup) != hangups {
				t.Errorf("stop %v, cut %v, %d hangups", stop.Err(), cut.Err(), len(hangup))
			}
		}
		state(false, false, 0)
		signals <- syscall.SIGHUP
		signals <- syscall.SIGHUP
		state(false, false, 1)
		signals <- syscall.SIGTERM
		state(true, false, 1)
		signals <- syscall.SIGHUP
		state(true, false, 1)
		signals <- syscall.SIGINT
		state(true, true, 1)
		signals <- syscall.SIGINT
		free()
	})
}

// TestStoppingByHangup: a program without a configuration to load ends when
// its terminal does, and when its context does.
func TestStoppingByHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		stop, _, free := stopping(context.Background(), signals, nil)
		signals <- syscall.SIGHUP
		<-stop.Done()
		free()
		parent, end := context.WithCancel(context.Background())
		stop, cut, free := stopping(parent, nil, nil)
		end()
		<-stop.Done()
		if cut.Err() != nil {
			t.Error("the end of the context cuts")
		}
		free()
	})
}
