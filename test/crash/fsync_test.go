//go:build linux

package crash

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// tracer is strace, where this machine lets it trace.
func tracer(t testing.TB) string {
	t.Helper()
	path := testenv.Need(t, "strace")
	if out, err := exec.Command(path, "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		testenv.Missing(t, "nobody may trace a process here: %v\n%s", err, out)
	}
	return path
}

// inject are the arguments that hurt calls of fsync; how is an expression as
// strace(1) has it. A count in it is one per thread.
func inject(how string) []string {
	return []string{"-f", "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:" + how}
}

// fault is one way in which fsync goes wrong.
type fault struct {
	name string
	// how is strace's expression with the number of a call in a thread.
	how string
}

func faults() []fault {
	return []fault{
		{"killed at a call", "signal=KILL:when=%d"},
		{"one call fails", "error=EIO:when=%d"},
		{"no call succeeds from one on", "error=EIO:when=%d+"},
		{"the disk is full from one on", "error=ENOSPC:when=%d+"},
	}
}

// TestFsyncFromStart: an fsync is the process's last call, or fails, from its
// start on. It dies, or refuses; what it acknowledges holds after a restart.
func TestFsyncFromStart(t *testing.T) {
	o := given(t)
	strace := tracer(t)
	tr := newTrial(t, o.seed, siteOptions{})
	g := tr.start(t)
	g.stop(t)
	rounds, died, refused := max(len(faults()), o.kills/2), 0, 0
	for i := range rounds {
		f := faults()[i%len(faults())]
		// Few threads make many calls: most rounds want a small number.
		how := fmt.Sprintf(f.how, 1+tr.rand.IntN(1+tr.rand.IntN(10)))
		p := tr.run(t, append([]string{strace, "-D"}, inject(how)...)...)
		before := tr.ledger.refused
		g, err := tr.attach(t, p)
		if err == nil {
			w := tr.load(t, g, true)
			select {
			case <-g.Done():
			case <-time.After(tr.between(500, 900)):
			}
			g.kill(t)
			w.end()
		}
		switch {
		case errors.Is(err, errEnded):
			died++
		case tr.ledger.refused > before:
			refused++
		}
		tr.recovered(t, f.name+" ("+how+")", p)
	}
	say(t, "%d faults of fsync from the start on: %d starts ended with it, %d lives refused with 503: %s; lost 0, verifiers ok",
		rounds, died, refused, tr.summary())
}

// recovered starts the gateway without a fault and checks everything.
func (tr *trial) recovered(t testing.TB, what string, hurt *testenv.Process) {
	t.Helper()
	g, err := tr.attach(t, tr.run(t))
	if err != nil {
		t.Fatalf("%s: %v\nthe one that was hurt had printed:\n%s", what, err, tail(hurt.Output()))
	}
	tr.history.fsck(t, what)
	tr.history.verify(t, what)
	tr.check(t, g)
	g.stop(t)
	if t.Failed() {
		t.Fatalf("%s; the one that was hurt had printed:\n%s", what, tail(hurt.Output()))
	}
}

// TestFsyncUnderLoad: from a moment on no fsync succeeds. Nothing that is begun
// after it is acknowledged; when fsync works again, so does the gateway.
func TestFsyncUnderLoad(t *testing.T) {
	o := given(t)
	strace := tracer(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root: the gateway lets nobody else look into it")
	}
	tr := newTrial(t, o.seed, siteOptions{})
	g := tr.start(t)
	rounds := max(2, o.kills/10)
	for i := range rounds {
		w := tr.load(t, g, true)
		time.Sleep(tr.between(100, 500))
		s := attachTracer(t, strace, g, inject("error=EIO"))
		before := tr.ledger.refusals()
		w.broken.Store(true)
		time.Sleep(tr.between(300, 900))
		w.broken.Store(false)
		if tr.ledger.refusals() == before {
			t.Error("nothing was refused while no fsync succeeded")
		}
		if i%2 == 0 {
			// The fault goes away; the gateway finds that out by itself.
			s.Signal(t, os.Interrupt)
			s.Wait(t, patience)
			until(t, "requests are taken again", func() bool {
				_, key, _ := tr.model.opening(tr.rand)
				if key == "" {
					return false
				}
				status, id := g.opens(t, key)
				if status == http.StatusOK {
					tr.ledger.note(func(l *ledger) { l.allowed[id] = "" })
				}
				return status == http.StatusOK
			})
			w.end()
			tr.history.verify(t, "fsync works again")
			tr.check(t, g)
			w = tr.load(t, g, true)
			time.Sleep(tr.between(50, 200))
		}
		g.kill(t)
		w.end()
		<-s.Done()
		hurt := g.Process
		tr.recovered(t, "after fsyncs that failed", hurt)
		g = tr.start(t)
	}
	g.stop(t)
	say(t, "%d times no fsync succeeded under load: nothing acknowledged meanwhile; %s; lost 0, verifiers ok", rounds, tr.summary())
}

// TestKilledAtFsync: under load, an fsync is the process's last call.
func TestKilledAtFsync(t *testing.T) {
	o := given(t)
	strace := tracer(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root: the gateway lets nobody else look into it")
	}
	tr := newTrial(t, o.seed, siteOptions{})
	rounds := max(2, o.kills/3)
	for range rounds {
		g := tr.start(t)
		w := tr.load(t, g, false)
		time.Sleep(tr.between(0, 300))
		s := attachTracer(t, strace, g, inject(fmt.Sprintf("signal=KILL:when=%d", 1+tr.rand.IntN(12))))
		select {
		case <-g.Done():
		case <-time.After(patience):
			t.Fatal("no fsync ended the gateway")
		}
		g.kill(t)
		w.end()
		<-s.Done()
		tr.history.verify(t, "after a kill at fsync")
		tr.recovered(t, "after a kill at fsync", g.Process)
	}
	say(t, "%d times killed at an fsync under load: %s; lost 0, verifiers ok", rounds, tr.summary())
}

// attachTracer attaches strace to every thread of a gateway that runs.
func attachTracer(t testing.TB, strace string, g *gateway, args []string) *testenv.Process {
	t.Helper()
	args = append([]string{"-p", strconv.Itoa(g.PID())}, args...)
	cmd := exec.Command(strace, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s := testenv.Start(t, cmd)
	until(t, "strace is attached", func() bool {
		select {
		case <-s.Done():
			return true
		default:
		}
		return traced(t, g.PID())
	})
	return s
}

// traced says whether every thread of a process is traced.
func traced(t testing.TB, pid int) bool {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	all := len(files) > 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		// A thread that has ended meanwhile counts for nothing.
		all = all && (err != nil || !strings.Contains(string(text), "TracerPid:\t0\n"))
	}
	return all
}
