package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

func connectionTests() []test {
	return []test{
		{"decisions about connections", connections},
		{"connections along with everything", connectionsKept},
		{"connections that were edited", connectionsEdited},
	}
}

// decide stores a state.
func (f *fixture) decide(t *testing.T, id, state string) store.Connection {
	t.Helper()
	c, err := f.UpdateConnection(t.Context(), id, func(c *store.Connection, _ bool) error {
		c.State, c.By = state, "os:1:a"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) connections(t *testing.T) string {
	t.Helper()
	list, err := f.ListConnections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return states(list)
}

func states(list []store.Connection) string {
	out := ""
	for _, c := range list {
		out += fmt.Sprintf("%s %s %s; ", c.ID, c.State, c.By)
	}
	return out
}

func connections(t *testing.T, f *fixture) {
	first := f.changes(t, 0)
	got := f.decide(t, "OpenAI/1", "Approved")
	if diff := cmp.Diff(store.Connection{ID: "openai/1", State: "Approved", By: "os:1:a", UpdatedAt: f.at}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	f.decide(t, "search/2", "Pending")
	f.advance(time.Minute)
	var seen store.Connection
	_, err := f.UpdateConnection(t.Context(), "openai/1", func(c *store.Connection, damaged bool) error {
		if seen = *c; damaged {
			t.Error("damaged")
		}
		c.State, c.Description = "Rejected", "no more"
		return nil
	})
	if err != nil || seen.State != "Approved" {
		t.Errorf("%+v %v", seen, err)
	}
	if got := f.connections(t); got != "openai/1 Rejected os:1:a; search/2 Pending os:1:a; " {
		t.Error(got)
	}
	c := f.changes(t, first.Revision+1)
	if got := states(c.Connections); c.Whole || got != "search/2 Pending os:1:a; openai/1 Rejected os:1:a; " {
		t.Errorf("%+v", c)
	}
	no := errors.New("no")
	if _, err := f.UpdateConnection(t.Context(), "openai/1", func(*store.Connection, bool) error { return no }); err != no {
		t.Error(err)
	}
	var invalid *store.InvalidError
	for _, bad := range []store.Connection{{}, {State: "a\nb"}, {State: string(bytes.Repeat([]byte("x"), 1025))}} {
		_, err := f.UpdateConnection(t.Context(), "openai/1", func(c *store.Connection, _ bool) error { *c = bad; return nil })
		if !errors.As(err, &invalid) {
			t.Errorf("%.20q: %v", bad.State, err)
		}
	}
	f.reopen(t)
	if got := f.connections(t); got != "openai/1 Rejected os:1:a; search/2 Pending os:1:a; " {
		t.Error(got)
	}
	f.addUp(t)
}

// connectionsKept: they are rotated, backed up and restored with the rest.
func connectionsKept(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.decide(t, "openai/1", "Rejected")
	want := f.connections(t)
	for range 2 {
		if err := f.RotateDataKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.ForgetRetiredKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.reopen(t)
	if got := f.connections(t); got != want {
		t.Errorf("after rotation: %s", got)
	}
	f.addUp(t)
	text := f.backup(t)
	if bytes.Contains(text, []byte("Rejected")) {
		t.Error("a decision stands in clear in the backup")
	}
	f.decide(t, "openai/1", "Approved")
	f.decide(t, "later/2", "Approved")
	r := f.changes(t, 0).Revision
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Store = restore(t, f.Place, text)
	if got := f.connections(t); got != want {
		t.Errorf("restored: %s", got)
	}
	if c := f.changes(t, r); !c.Whole || states(c.Connections) != want {
		t.Errorf("who followed does not hear of it: %+v", c)
	}
	to := f.another(t)
	to.Options.KEK = f.Options.KEK
	s := restore(t, to, text)
	if list, err := s.ListConnections(t.Context()); err != nil || states(list) != want {
		t.Errorf("restored elsewhere: %v %v", list, err)
	}
}

// connectionsEdited: whoever can write the database approves nothing.
func connectionsEdited(t *testing.T, f *fixture) {
	for name, statement := range map[string]string{
		"put back":   `UPDATE connection SET revision = (SELECT revision FROM kept), sealed = (SELECT sealed FROM kept) WHERE id = 'bad/1'`,
		"removed":    `DELETE FROM connection WHERE id = 'bad/1'`,
		"all gone":   `DELETE FROM connection`,
		"step taken": `DELETE FROM migration WHERE version = 4; DROP TABLE connection`,
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{Place: f.another(t)}
			f.open(t)
			f.decide(t, "bad/1", "Approved")
			f.decide(t, "good/1", "Approved")
			f.Exec(t, `CREATE TABLE kept AS SELECT id, revision, sealed FROM connection WHERE id = 'bad/1'`)
			f.decide(t, "bad/1", "Rejected")
			f.addUp(t)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f.Exec(t, statement)
			f.open(t)
			f.edited(t)
		})
	}
	// A state of before there were connections.
	f2 := &fixture{Place: f.another(t)}
	f2.open(t)
	f2.put(t, sample("a", 1))
	if err := f2.Close(); err != nil {
		t.Fatal(err)
	}
	f2.Exec(t, `DELETE FROM migration WHERE version = 4; DROP TABLE connection`)
	f2.open(t)
	f2.addUp(t)
	f2.decide(t, "openai/1", "Approved")
	f2.addUp(t)
	for name, statement := range map[string]string{
		"moved":      `UPDATE connection SET sealed = (SELECT sealed FROM connection WHERE id = 'good/1') WHERE id = 'bad/1'`,
		"a fake box": `UPDATE connection SET sealed = (SELECT sealed FROM subscription WHERE id = 'a') WHERE id = 'bad/1'`,
		"cut short":  `UPDATE connection SET sealed = substr(sealed, 1, 30) WHERE id = 'bad/1'`,
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{Place: f.another(t)}
			f.open(t)
			f.put(t, sample("a", 1))
			f.decide(t, "good/1", "Approved")
			f.decide(t, "bad/1", "Rejected")
			f.Exec(t, statement)
			c := f.changes(t, 0)
			if len(c.Shut) != 1 || c.Shut[0].ID != "bad/1" || states(c.Connections) != "good/1 Approved os:1:a; " {
				t.Errorf("%+v", c)
			}
			if _, err := f.ListConnections(t.Context()); err == nil {
				t.Error("listed as if there were none")
			}
			_, err := f.UpdateConnection(t.Context(), "bad/1", func(c *store.Connection, damaged bool) error {
				if !damaged || c.State != "" {
					t.Errorf("%+v, damaged %v", c, damaged)
				}
				c.State = "Rejected"
				return nil
			})
			if err != nil || f.connections(t) == "" {
				t.Error(err)
			}
			f.addUp(t)
		})
	}
}
