package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
)

func sumTests() []test {
	return []test{
		{"rows that do not add up", rowsEdited},
		{"rows add up", rowsAddUp},
		{"changes do not heal a sum", sumNotHealed},
	}
}

// addUp fails where the state is marked, now or after a restart.
func (f *fixture) addUp(t *testing.T) {
	t.Helper()
	for range 2 {
		if c := f.changes(t, 0); c.OlderState || len(c.Damaged) > 0 {
			t.Errorf("marked %v, damaged %v", c.OlderState, c.Damaged)
		}
		if older, err := f.OlderState(t.Context()); older != nil || err != nil {
			t.Errorf("older state: %+v, %v", older, err)
		}
		f.reopen(t)
	}
}

// edited fails where the state is not marked, now and after a restart.
func (f *fixture) edited(t *testing.T) {
	t.Helper()
	for range 2 {
		r := f.changes(t, 0)
		// Not even a change that comes afterwards is served by itself.
		if c := f.changes(t, r.Revision); !r.OlderState || !c.OlderState || !c.Whole {
			t.Errorf("whole %+v, then %+v: not marked", r, c)
		}
		f.list(t) // to be looked at
		if older, err := f.OlderState(t.Context()); err != nil || older == nil || older.Edited == "" {
			t.Errorf("older state: %+v, %v", older, err)
		}
		f.reopen(t)
	}
}

// rowsEdited: what somebody does who can write the database and has kept
// earlier rows of it.
func rowsEdited(t *testing.T, f *fixture) {
	for name, statement := range map[string]string{
		"a row put back with its revision": `UPDATE subscription SET revision = (SELECT revision FROM aside WHERE id = 'a'),
			sealed = (SELECT sealed FROM aside WHERE id = 'a') WHERE id = 'a'`,
		"a row put back after its deletion": `INSERT INTO subscription (id, revision, sealed) SELECT id, revision, sealed FROM aside WHERE id = 'gone'`,
		"a row removed":                     `DELETE FROM subscription WHERE id = 'b'`,
		"all rows removed":                  `DELETE FROM subscription`,
		"rows and sum put back": `DELETE FROM subscription; INSERT INTO subscription (id, revision, sealed) SELECT id, revision, sealed FROM aside;
			UPDATE state SET row_sum = (SELECT row_sum FROM aside_state)`,
		"the revision set back":     `UPDATE state SET revision = revision - 1`,
		"the sum emptied":           `UPDATE state SET row_sum = NULL`,
		"the sum taken for a row's": `UPDATE state SET row_sum = (SELECT sealed FROM subscription WHERE id = 'a')`,
		"the step taken back":       `DELETE FROM migration WHERE version >= 3; ALTER TABLE state DROP COLUMN row_sum; DROP TABLE connection`,
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{Place: f.another(t)}
			f.open(t)
			for i, id := range []string{"a", "b", "gone"} {
				f.put(t, sample(id, byte(10*i)))
			}
			f.Exec(t, `CREATE TABLE aside AS SELECT id, revision, sealed FROM subscription; CREATE TABLE aside_state AS SELECT row_sum FROM state`)
			next := sample("a", 0)
			next.State = "suspended"
			f.put(t, next)
			if _, err := f.DeleteSubscription(t.Context(), "gone"); err != nil {
				t.Fatal(err)
			}
			f.addUp(t)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f.Exec(t, statement)
			f.open(t)
			f.edited(t)
			before := f.changes(t, 0).Revision
			if err := f.AcceptOlderState(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c := f.changes(t, 0); c.Revision <= before {
				t.Errorf("revision %d after %d: nobody hears that it was accepted", c.Revision, before)
			}
			f.addUp(t)
		})
	}
}

// rowsAddUp: whatever the store itself does.
func rowsAddUp(t *testing.T, f *fixture) {
	f.addUp(t)
	for i := range 5 {
		id := fmt.Sprint(i)
		f.put(t, sample(id, byte(10*i)))
		f.put(t, sample(id, byte(10*i)))
	}
	if _, _, err := f.UpdateSubscription(t.Context(), "1", func(s *store.Subscription) error { s.Name = "x"; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"2", "3"} {
		if _, err := f.DeleteSubscription(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	f.put(t, sample("2", 20))
	if err := f.PutSubscription(t.Context(), sample("7", 20)); err == nil {
		t.Error("a key is in use twice")
	}
	// A row whose box alone was edited is mended one by one.
	f.Exec(t, `UPDATE subscription SET sealed = substr(sealed, 1, 30) WHERE id IN ('0', '4')`)
	f.put(t, sample("0", 0))
	if _, err := f.DeleteSubscription(t.Context(), "4"); err != nil {
		t.Fatal(err)
	}
	f.addUp(t)
	if err := f.RotateDataKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.addUp(t)
	if err := f.ForgetRetiredKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.addUp(t)
	text := f.backup(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Store = restore(t, f.Place, text)
	if err := f.AcceptOlderState(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.addUp(t)
	to := f.another(t)
	to.Options.KEK = f.Options.KEK
	moved := &fixture{Place: to, Store: restore(t, to, text)}
	if older, err := moved.OlderState(t.Context()); err != nil || older == nil || older.Edited != "" {
		t.Errorf("restored: %+v, %v", older, err)
	}
	if err := moved.AcceptOlderState(t.Context()); err != nil {
		t.Fatal(err)
	}
	moved.addUp(t)
}

// sumNotHealed: what goes on in edited state does not make it right.
func sumNotHealed(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.put(t, sample("b", 3))
	text := f.backup(t)
	f.Exec(t, `DELETE FROM subscription WHERE id = 'b'`)
	f.put(t, sample("a", 1))
	f.edited(t)
	if err := f.RotateDataKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.edited(t)
	f.Exec(t, `UPDATE state SET row_sum = NULL`)
	f.put(t, sample("c", 5))
	f.edited(t)
	var typed *store.Error
	if err := f.Backup(t.Context(), io.Discard, meta()); !errors.As(err, &typed) || typed.Mend == "" {
		t.Errorf("backup: %v, want an Error with a mend", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// A backup from before makes it right.
	if _, err := store.Restore(t.Context(), f.Dir, bytes.NewReader(text), f.Options); err != nil {
		t.Fatal(err)
	}
	f.open(t)
	if older, err := f.OlderState(t.Context()); err != nil || older == nil || older.Edited != "" {
		t.Errorf("restored: %+v, %v", older, err)
	}
	if err := f.AcceptOlderState(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.addUp(t)
}
