//go:build linux

package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// within is a random time of less than d.
func (tr *trial) within(d time.Duration) time.Duration {
	return time.Duration(tr.rand.Int64N(int64(d) + 1))
}

// TestFirstStart: killed at random moments of its first start, or at an fsync
// of it, or with one that fails, the next start works.
func TestFirstStart(t *testing.T) {
	o := given(t)
	kinds := []struct {
		name   string
		rounds int
		opt    func(testing.TB) siteOptions
		fsync  bool
	}{
		{"sqlite", o.kills, func(testing.TB) siteOptions { return siteOptions{} }, false},
		{"sqlite at fsync", max(4, o.kills/2), func(testing.TB) siteOptions { return siteOptions{} }, true},
		{"sqlite sealed", max(2, o.kills/5), func(testing.TB) siteOptions { return siteOptions{sealed: true} }, false},
		{"postgresql", max(2, o.kills/5), func(t testing.TB) siteOptions { return siteOptions{postgres: testenv.Postgres(t)} }, false},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			strace := ""
			if kind.fsync {
				strace = tracer(t)
			}
			// An undisturbed one says how long it takes.
			whole := newTrial(t, o.seed, kind.opt(t))
			begun := time.Now()
			whole.start(t).kill(t)
			takes := time.Since(begun)
			ended := 0
			for i := range kind.rounds {
				ended += firstStart(t, newTrial(t, o.seed+uint64(i), kind.opt(t)), takes, strace)
			}
			say(t, "%d new sites: %d first starts, which take %v, were killed or ended with a fault before they served; all served then",
				kind.rounds, ended, takes.Round(time.Millisecond))
		})
	}
}

// firstStart hurts first starts of a site, one to three, and says how many
// ended before they served.
func firstStart(t *testing.T, tr *trial, takes time.Duration, strace string) (ended int) {
	t.Helper()
	var hurt []string
	for range 1 + tr.rand.IntN(3) {
		what, wrap, wait := "killed", []string(nil), tr.within(takes)
		if strace != "" {
			what = fmt.Sprintf(faults()[tr.rand.IntN(len(faults()))].how, 1+tr.rand.IntN(3))
			wrap, wait = append([]string{strace, "-D"}, inject(what)...), 10*takes
		}
		p := tr.run(t, wrap...)
		select {
		case <-p.Done():
		case <-time.After(wait):
		}
		kill(t, p)
		if _, served := servingLine(p.Output()); !served {
			ended++
		}
		hurt = append(hurt, fmt.Sprintf("%s after %v: %s", what, wait, tail(p.Output())))
	}
	g, err := tr.attach(t, tr.run(t))
	if err != nil {
		t.Fatalf("after first starts that were hurt: %q: %v", hurt, err)
	}
	keys, err := g.door.CreateSubscription(t.Context(), admin.CreateSubscription{Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	tr.history.verify(t, "after the first start")
	g.kill(t)
	g = tr.start(t)
	if status, _ := g.opens(t, keys.PrimaryKey); status != http.StatusOK {
		t.Errorf("LOST: the first key: status %d", status)
	}
	tr.history.verify(t, "after the second start")
	g.kill(t)
	return ended
}

// TestBackup: the command that makes a backup, or the gateway, is killed in the
// middle of it. The file is whole or not there.
func TestBackup(t *testing.T) {
	o := given(t)
	tr := newTrial(t, o.seed, siteOptions{sealed: true})
	g := tr.start(t)
	command := func(file string) *testenv.Process {
		return testenv.Start(t, exec.Command(program(t), "backup", "--dir", tr.dir, file))
	}
	w := tr.load(t, g, false)
	begun := time.Now()
	p := command(tr.file("backup-whole"))
	if code := p.Wait(t, patience); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.Output())
	}
	takes := time.Since(begun)
	whole, rounds := 0, max(4, o.kills/3)
	for i := range rounds {
		file := tr.file(fmt.Sprintf("backup-%d", i))
		time.Sleep(tr.between(50, 200))
		p := command(file)
		time.Sleep(tr.within(takes))
		if i%2 == 0 {
			kill(t, p)
		} else {
			g.kill(t)
			w.end()
		}
		code := p.Wait(t, patience)
		is := isBackup(t, file)
		if code == 0 && !is {
			t.Errorf("the command ended well and there is no backup; it printed:\n%s", p.Output())
		}
		if is {
			whole++
		}
		if i%2 == 0 {
			continue // the gateway goes on under its load
		}
		g = tr.start(t)
		tr.history.verify(t, "after a kill while a backup is made")
		tr.check(t, g)
		w = tr.load(t, g, false)
	}
	w.end()
	tr.check(t, g)
	g.stop(t)
	say(t, "%d kills while a backup is made, which takes %v: %d files are there and whole; %s; lost 0",
		rounds, takes.Round(time.Millisecond), whole, tr.summary())
}

// isBackup says whether there is a file; one that is there has to be whole.
func isBackup(t testing.TB, file string) bool {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := store.ReadBackup(f); err != nil {
		t.Errorf("%s is there and not whole: %v", file, err)
	}
	return true
}

// TestRotation: killed while the data key is rotated under load. What was
// sealed by either key opens.
func TestRotation(t *testing.T) {
	o := given(t)
	t.Run("sqlite", func(t *testing.T) { rotated(t, newTrial(t, o.seed, siteOptions{sealed: true}), o.kills) })
	t.Run("postgresql", func(t *testing.T) {
		rotated(t, newTrial(t, o.seed, siteOptions{postgres: testenv.Postgres(t)}), o.kills)
	})
}

func rotated(t *testing.T, tr *trial, kills int) {
	g := tr.start(t)
	begun := time.Now()
	if _, err := g.door.RotateState(t.Context()); err != nil {
		t.Fatal(err)
	}
	takes := time.Since(begun)
	rounds, acknowledged := max(2, kills/5), 1
	for range rounds {
		w := tr.load(t, g, false)
		time.Sleep(tr.between(50, 200))
		answered := make(chan error, 1)
		go func() {
			_, err := g.door.RotateState(t.Context())
			answered <- err
		}()
		time.Sleep(tr.within(takes * 5 / 4))
		g.kill(t)
		w.end()
		if err := <-answered; err == nil {
			acknowledged++
		}
		g = tr.start(t)
		tr.history.verify(t, "after a kill while the data key is rotated")
		tr.check(t, g)
		if t.Failed() {
			t.Fatal("after a kill while the data key is rotated")
		}
	}
	g.stop(t)
	done := 0
	for e, err := range audit.Entries(tr.audit(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		if r.Action == "state.rotate" && r.Phase == "done" {
			done++
		}
	}
	if done < acknowledged {
		t.Errorf("LOST: %d rotations were acknowledged, %d are on record", acknowledged, done)
	}
	say(t, "%d kills while the data key is rotated, which takes %v, %d rotations acknowledged: %s; lost 0",
		rounds, takes.Round(time.Millisecond), acknowledged, tr.summary())
}
