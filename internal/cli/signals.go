package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals is [Env.Signals] of a program. It also has writes to a closed pipe
// fail instead of ending the process: a gateway outlives the reader of its log.
func Signals(which ...os.Signal) <-chan os.Signal {
	c := make(chan os.Signal, 8)
	signal.Ignore(syscall.SIGPIPE)
	signal.Notify(c, which...)
	return c
}

// hear is env.Signals, or silence.
func hear(env *Env, which ...os.Signal) <-chan os.Signal {
	if env.Signals == nil {
		return nil
	}
	return env.Signals(which...)
}

// stopping turns signals into two contexts: the first signal ends stop, the
// second ends cut. SIGHUP does neither where hangup takes it; several of them
// that nobody has looked at yet are one. The end of parent ends stop. Free
// releases what it holds.
func stopping(parent context.Context, signals <-chan os.Signal, hangup chan<- struct{}) (stop, cut context.Context, free func()) {
	stop, endStop := context.WithCancel(parent)
	cut, endCut := context.WithCancel(context.WithoutCancel(parent))
	freed, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-freed:
				return
			case s := <-signals:
				switch {
				case s == syscall.SIGHUP && hangup != nil:
					select {
					case hangup <- struct{}{}:
					default:
					}
				case stop.Err() == nil:
					endStop()
				default:
					endCut()
				}
			}
		}
	}()
	return stop, cut, func() {
		close(freed)
		<-done
		endStop()
		endCut()
	}
}
