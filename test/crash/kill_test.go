//go:build linux

package crash

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// between is a random time from a to b milliseconds.
func (tr *trial) between(a, b int) time.Duration {
	return time.Duration(a)*time.Millisecond + time.Duration(tr.rand.Int64N(int64(b-a)*int64(time.Millisecond)))
}

// TestKill: SIGKILL at random moments under load. After each restart everything
// that was acknowledged holds, and the verifiers accept the log.
func TestKill(t *testing.T) {
	o := given(t)
	t.Run("sqlite", func(t *testing.T) { killed(t, newTrial(t, o.seed, siteOptions{}), o.kills) })
	t.Run("postgresql", func(t *testing.T) {
		killed(t, newTrial(t, o.seed, siteOptions{postgres: testenv.Postgres(t)}), o.kills)
	})
}

func killed(t *testing.T, tr *trial, kills int) {
	g := tr.start(t)
	tr.history.verify(t, "the first start")
	early := 0
	for i := range kills {
		w := tr.load(t, g, false)
		time.Sleep(tr.between(50, 800))
		g.kill(t)
		w.end()
		tr.history.verify(t, fmt.Sprintf("after kill %d", i))
		// Recovery is a moment like any other.
		for tr.rand.IntN(4) == 0 {
			p := tr.run(t)
			time.Sleep(tr.between(0, 150))
			kill(t, p)
			early++
		}
		g = tr.start(t)
		when := fmt.Sprintf("after the restart from kill %d", i)
		tr.history.fsck(t, when)
		tr.history.verify(t, when)
		tr.check(t, g)
		if t.Failed() {
			t.Fatalf("%s; the gateway printed:\n%s", when, tail(g.Output()))
		}
	}
	g.stop(t)
	tr.history.verify(t, "after the end")
	tr.history.fsck(t, "after the end")
	tr.acts(t)
	say(t, "%d kills under load and %d while it starts: %s; lost 0, verifiers ok", kills, early, tr.summary())
}
