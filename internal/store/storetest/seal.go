package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/store"
)

func sealTests() []test {
	return []test{
		{"rows that were edited", editedRows},
		{"small secrets", smallSecrets},
		{"digests of identifiers", digests},
		{"rotation", rotation},
		{"rotation while serving", rotationWhileServing},
		{"another key-encryption key", rewrap},
		{"a vault that is down", vaultDown},
		{"status", status},
	}
}

// editedRows: whoever can write the database cannot make a row that lets
// somebody in. The row is named, and the others go on.
func editedRows(t *testing.T, f *fixture) {
	for name, statement := range map[string]string{
		"moved from another id":      `UPDATE subscription SET sealed = (SELECT sealed FROM subscription WHERE id = 'good') WHERE id = 'bad'`,
		"put back":                   `UPDATE subscription SET sealed = (SELECT value FROM meta WHERE name = 'old') WHERE id = 'bad'`,
		"a revision made up":         `UPDATE subscription SET revision = revision + 1000 WHERE id = 'bad'`,
		"cut short":                  `UPDATE subscription SET sealed = substr(sealed, 1, 30) WHERE id = 'bad'`,
		"emptied":                    `UPDATE subscription SET sealed = substr(sealed, 1, 0) WHERE id = 'bad'`,
		"sealed with an unknown key": `UPDATE subscription SET sealed = substr(sealed, 2) WHERE id = 'bad'`,
	} {
		t.Run(name, func(t *testing.T) {
			f.put(t, sample("good", 1))
			f.put(t, sample("bad", 3))
			f.Exec(t, `DELETE FROM meta WHERE name = 'old'; INSERT INTO meta (name, value) SELECT 'old', sealed FROM subscription WHERE id = 'bad'`)
			f.put(t, sample("bad", 5))
			before := f.changes(t, 0)
			f.Exec(t, statement)
			f.damaged(t, before.Revision)
		})
	}
	f.reopen(t)
	if _, err := f.GetSubscription(t.Context(), "good"); err != nil {
		t.Error(err)
	}
}

// damaged holds what the store answers about a row "bad" beside a row "good",
// and mends it.
func (f *fixture) damaged(t *testing.T, revision store.Revision) {
	t.Helper()
	names := func(err error) bool {
		var typed *store.Error
		return errors.As(err, &typed) && strings.Contains(err.Error(), `"bad" does not open`)
	}
	if _, err := f.GetSubscription(t.Context(), "bad"); !names(err) {
		t.Errorf("get: %v, want an Error that names the row", err)
	}
	_, _, err := f.UpdateSubscription(t.Context(), "bad", func(*store.Subscription) error { return nil })
	if !names(err) {
		t.Errorf("update: %v, want an Error that names the row", err)
	}
	var exists *store.ExistsError
	if _, err := f.CreateSubscription(t.Context(), sample("bad", 5)); !errors.As(err, &exists) {
		t.Errorf("create: %v, want an ExistsError", err)
	}
	subs, err := f.ListSubscriptions(t.Context())
	if err != nil || len(subs) != 1 || subs[0].ID != "good" {
		t.Errorf("list: %v, %v; want the good row", subs, err)
	}
	c := f.changes(t, 0)
	if len(c.Damaged) != 1 || c.Damaged[0].ID != "bad" || !names(c.Damaged[0].Err) || ids(c) != "[good] -[bad] whole=true" {
		t.Errorf("changes: %s, damaged %v", ids(c), c.Damaged)
	}
	if _, err := f.DeleteSubscription(t.Context(), "bad"); err != nil {
		t.Fatal(err)
	}
	f.gone(t, "bad")
	f.put(t, sample("bad", 3))
	if c := f.changes(t, revision); len(c.Damaged) > 0 {
		t.Errorf("after the mend: %v", c.Damaged)
	}
}

func smallSecrets(t *testing.T, f *fixture) {
	sealed, err := f.Seal("audit key", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Seal("audit key", []byte("canary"))
	if err != nil || bytes.Contains(sealed, []byte("canary")) || bytes.Equal(sealed, again) {
		t.Errorf("sealed %q and %q, %v", sealed, again, err)
	}
	f.reopen(t)
	if got, err := f.Unseal("audit key", sealed); err != nil || string(got) != "canary" {
		t.Errorf("got %q, %v", got, err)
	}
	var typed *store.Error
	if _, err := f.Unseal("another key", sealed); !errors.As(err, &typed) {
		t.Errorf("another purpose: %v", err)
	}
	for i := range sealed {
		edited := bytes.Clone(sealed)
		edited[i] ^= 1
		if _, err := f.Unseal("audit key", edited); err == nil {
			t.Errorf("a bit of byte %d was changed, and it opens", i)
		}
		if _, err := f.Unseal("audit key", sealed[:i]); err == nil {
			t.Errorf("cut to %d bytes, and it opens", i)
		}
	}
	other := f.another(t).open(t)
	if _, err := other.Unseal("audit key", sealed); err == nil {
		t.Error("it opens elsewhere")
	}
}

func digests(t *testing.T, f *fixture) {
	one := f.DigestOf("principal", "alice")
	if len(one) != 32 || one != f.DigestOf("principal", "alice") {
		t.Errorf("%q is no stable digest", one)
	}
	if one == f.DigestOf("client", "alice") || one == f.DigestOf("principal", "bob") || one == f.another(t).open(t).DigestOf("principal", "alice") {
		t.Error("digests of other kinds, values or states are the same")
	}
	f.reopen(t)
	if one != f.DigestOf("principal", "alice") {
		t.Error("it changed with a restart")
	}
}

func (f *fixture) status(t *testing.T) store.Status {
	t.Helper()
	s, err := f.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rotation(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	f.put(t, sample("bad", 3))
	f.Exec(t, `INSERT INTO meta (name, value) SELECT 'old', sealed FROM subscription WHERE id = 'a'`)
	f.Exec(t, `UPDATE subscription SET sealed = substr(sealed, 1, 30) WHERE id = 'bad'`)
	sealed, err := f.Seal("x", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	before, r, digestKey := f.status(t), f.changes(t, 0).Revision, f.DigestKey()
	want, err := f.GetSubscription(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.RotateDataKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.want(t, "a", want)
		if c := f.changes(t, r); ids(c) != "[] -[] whole=false" {
			t.Errorf("the rotation is seen as a change: %s", ids(c))
		}
		if after := f.status(t); after.DataKey == before.DataKey || after.RetiredKeys != 1 || !bytes.Equal(digestKey, f.DigestKey()) {
			t.Errorf("after: %+v, before %+v", after, before)
		}
		if got, err := f.Unseal("x", sealed); err != nil || string(got) != "canary" {
			t.Errorf("what was sealed before: %q, %v", got, err)
		}
		f.reopen(t)
	}
	// What somebody who had the old key could make does not open any more.
	f.Exec(t, `UPDATE subscription SET sealed = (SELECT value FROM meta WHERE name = 'old') WHERE id = 'a'`)
	if _, err := f.GetSubscription(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "out of use") {
		t.Errorf("a row of the old key: %v", err)
	}
	if err := f.ForgetRetiredKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Unseal("x", sealed); err == nil || f.status(t).RetiredKeys != 0 {
		t.Errorf("after forgetting: %v, %+v", err, f.status(t))
	}
}

// rotationWhileServing: writers and readers notice nothing.
func rotationWhileServing(t *testing.T, f *fixture) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("w%d-%d", n, i%20)
				if err := f.PutSubscription(context.Background(), store.Subscription{ID: id, Scope: "/apis", State: "active"}); err != nil {
					t.Error(err)
					return
				}
				if c, err := f.Changes(context.Background(), 0); err != nil || len(c.Damaged) > 0 {
					t.Errorf("%v, damaged %v", err, c.Damaged)
					return
				}
			}
		})
	}
	for range 3 {
		if err := f.RotateDataKey(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	wg.Wait()
	f.reopen(t)
	if c := f.changes(t, 0); len(c.Damaged) > 0 || len(c.Subscriptions) == 0 {
		t.Errorf("%d rows, damaged %v", len(c.Subscriptions), c.Damaged)
	}
}

func rewrap(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	old, next := f.Options.KEK, &KEK{Name: "next"}
	if err := f.RewrapKeyring(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := f.RotateDataKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), f.Dir, f.Options)
	if err == nil {
		_ = s.Close()
		t.Fatal("it opens with the old key-encryption key")
	}
	want := "does not open"
	if old == nil {
		want = "none is given"
	}
	if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"next"`) || !strings.Contains(err.Error(), "mend: ") {
		t.Errorf("got %v", err)
	}
	f.Options.KEK = next
	f.open(t)
	if _, err := f.GetSubscription(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if got := f.status(t).KEK; got != "next" {
		t.Errorf("status says %q", got)
	}
}

// vaultDown: a vault that cannot be reached stops what needs it, and nothing
// that was there.
func vaultDown(t *testing.T, f *fixture) {
	kek := &KEK{Name: "vault"}
	if err := f.RewrapKeyring(t.Context(), kek); err != nil {
		t.Fatal(err)
	}
	kek.Down.Store(true)
	if err := f.RotateDataKey(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("rotate: %v", err)
	}
	f.put(t, sample("a", 1))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Options.KEK = kek
	if _, err := store.Open(t.Context(), f.Dir, f.Options); !errors.Is(err, errDown) {
		t.Errorf("open: %v", err)
	}
	kek.Down.Store(false)
	f.open(t)
	if _, err := f.GetSubscription(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func status(t *testing.T, f *fixture) {
	f.put(t, sample("a", 1))
	got := f.status(t)
	want := store.Status{
		Driver: got.Driver, Place: got.Place, DataKey: got.DataKey,
		Schema: 4, SchemaName: "connections", Revision: 1, Subscriptions: 1,
	}
	if f.Options.KEK != nil {
		want.KEK = f.Options.KEK.ID()
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.DataKey) != 16 || got.Place == "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
