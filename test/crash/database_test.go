//go:build linux

package crash

import (
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// staleAfter is short, so that the test is.
const staleAfter = time.Second

// slack is what a busy machine may add to a time that is promised.
const slack = 3 * time.Second

// TestDatabase: the database server crashes under a gateway that goes on. It
// says that it is not ready, refuses, comes back by itself, and has lost
// nothing.
func TestDatabase(t *testing.T) {
	o := given(t)
	server := testenv.NewPostgresServer(t, testenv.PostgresOptions{})
	tr := newTrial(t, o.seed, siteOptions{postgres: server.Create(t), staleAfter: staleAfter})
	g := tr.start(t)
	g.patient = true
	var off, on time.Duration
	crashes := 1 + o.kills/12
	for range crashes {
		w := tr.load(t, g, true)
		time.Sleep(tr.between(100, 700))
		server.Crash(t)
		took := until(t, "readiness is off", func() bool { return !g.ready() })
		if took > staleAfter+slack {
			t.Errorf("ready for %v without a database", took)
		}
		off = max(off, took)
		// Long enough for acts that were under way to meet the outage.
		time.Sleep(tr.between(0, 500))
		server.Start(t)
		on = max(on, until(t, "readiness is on again", g.ready))
		time.Sleep(tr.between(100, 400))
		w.end()
		tr.history.verify(t, "after a crash of the database")
		tr.check(t, g)
	}
	g.kill(t)
	g = tr.start(t)
	g.patient = true
	tr.history.fsck(t, "after the restart")
	tr.history.verify(t, "after the restart")
	tr.check(t, g)
	g.stop(t)
	say(t, "%d crashes of the database server: not ready after %v at most, ready again %v after it at most; %s; lost 0, verifiers ok",
		crashes, off.Round(10*time.Millisecond), on.Round(10*time.Millisecond), tr.summary())
}
