//go:build linux

package crash

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestFirstActs: the very first acts on new state, many at a time. What the
// door has answered is in force, at once and afterwards: no look at the state
// that came late may bring back what was before.
func TestFirstActs(t *testing.T) {
	o := given(t)
	rounds := max(2, o.kills/10)
	t.Run("sqlite", func(t *testing.T) {
		for i := range rounds {
			firstActs(t, newTrial(t, o.seed+uint64(i), siteOptions{}))
		}
	})
	t.Run("postgresql", func(t *testing.T) {
		for i := range rounds {
			firstActs(t, newTrial(t, o.seed+uint64(i), siteOptions{postgres: testenv.Postgres(t)}))
		}
	})
}

func firstActs(t *testing.T, tr *trial) {
	g := tr.start(t)
	const many = 12
	w := &load{t: t, g: g, m: tr.model, l: tr.ledger}
	var wait sync.WaitGroup
	for i := range many {
		s := &subscription{name: fmt.Sprintf("first-%02d", i), busy: true}
		tr.model.subs = append(tr.model.subs, s)
		wait.Go(func() {
			for _, a := range []act{{action: create}, {rotate, primary}, {rotate, secondary}} {
				w.act(s, a)
				tr.model.mu.Lock()
				keys, old := s.keys, s.old
				tr.model.mu.Unlock()
				for _, key := range keys {
					tr.opened(t, g, s.name, key, http.StatusOK)
				}
				for _, key := range old {
					tr.opened(t, g, s.name, key, http.StatusUnauthorized)
				}
			}
		})
	}
	wait.Wait()
	tr.check(t, g)
	g.stop(t)
}

// opened tries a key and notes what came.
func (tr *trial) opened(t testing.TB, g *gateway, name, key string, want int) {
	t.Helper()
	status, id, err := g.tries(key)
	if err != nil || status != want {
		t.Errorf("a key of %s: status %d %v, want %d", name, status, err, want)
	}
	if status == http.StatusOK {
		tr.ledger.note(func(l *ledger) { l.allowed[id] = name })
	}
}
