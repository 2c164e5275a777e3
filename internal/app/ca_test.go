package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/store"
)

// askedKEK counts what a key-encryption key is asked.
type askedKEK struct {
	store.KeyEncryption
	asked int
}

func (k *askedKEK) Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	k.asked++
	return k.KeyEncryption.Wrap(ctx, plaintext, aad)
}

func (k *askedKEK) Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	k.asked++
	return k.KeyEncryption.Unwrap(ctx, sealed, aad)
}

// caFiles are those of a site's CA.
func caFiles(t *testing.T, s *testSite) *issue.Files {
	t.Helper()
	files, err := issue.ReadFiles(filepath.Join(s.dir, "state", "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestAuthorityAsksOnce: however often the CA is needed, its key-encryption key
// is asked once; files that were replaced are opened anew.
func TestAuthorityAsksOnce(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	kek := &askedKEK{KeyEncryption: newKeyFile(t)}
	a := &authority{dir: filepath.Join(s.dir, "state", "ca"), log: logOr(nil), kek: kek}
	if err := a.settle(t.Context()); err != nil || !caFiles(t, s).Settled(kek) || kek.asked != 1 {
		t.Fatalf("sealed with %d questions: %v", kek.asked, err)
	}
	fresh := &authority{dir: a.dir, log: a.log, kek: kek}
	for _, of := range []*authority{a, fresh} {
		for range 10 {
			if _, err := of.get(caFiles(t, s), false); err != nil {
				t.Fatal(err)
			}
			if err := of.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kek.asked != 2 {
		t.Errorf("%d questions: one seals, one opens in another process", kek.asked)
	}
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	other, err := issue.InitSealedCA(t.Context(), a.dir, issue.Options{Name: "another", PermittedDNS: []string{"localhost"}}, kek)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := a.get(caFiles(t, s), false)
	if err != nil || !ca.Certificate.Equal(other.Certificate) || kek.asked != 4 {
		t.Errorf("another CA in its place: %v, %d questions", err, kek.asked)
	}
}

// TestAuthorityChange: another key-encryption key is in force for keyring and
// CA, or for neither; and while it is changed the CA opens by either.
func TestAuthorityChange(t *testing.T) {
	for name, keys := range map[string][2]store.KeyEncryption{
		"to another": {newKeyFile(t), newKeyFile(t)}, "to a key": {nil, newKeyFile(t)}, "to none": {newKeyFile(t), nil},
	} {
		s := newSite(t, http.NotFoundHandler(), nil)
		a := &authority{dir: filepath.Join(s.dir, "state", "ca"), log: logOr(nil), kek: keys[0]}
		if err := a.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		was := caFiles(t, s)
		opens := func(when string, by ...store.KeyEncryption) {
			t.Helper()
			for _, kek := range by {
				if _, err := caFiles(t, s).Open(t.Context(), kek, issue.LoadOptions{}); err != nil {
					t.Errorf("%s: %s: %v", name, when, err)
				}
			}
		}
		refused := errors.New("the database said no")
		err := a.change(t.Context(), keys[1], func(context.Context, store.KeyEncryption) error {
			opens("in the middle", keys[0], keys[1])
			return refused
		})
		if !errors.Is(err, refused) || !caFiles(t, s).Same(was) {
			t.Errorf("%s: the keyring was refused: %v", name, err)
		}
		err = a.change(t.Context(), keys[1], func(context.Context, store.KeyEncryption) error { return &store.UncertainError{Err: refused} })
		if !errors.Is(err, refused) {
			t.Errorf("%s: %v", name, err)
		}
		opens("the keyring may be either", keys[0], keys[1])
		if err := a.settle(t.Context()); err != nil || !caFiles(t, s).Settled(keys[0]) {
			t.Errorf("%s: settled: %v", name, err)
		}

		// The last write fails: the keyring goes back.
		inTheWay := filepath.Join(a.dir, "."+issue.KeyFile+".new")
		var asked []store.KeyEncryption
		err = a.change(t.Context(), keys[1], func(_ context.Context, kek store.KeyEncryption) error {
			asked = append(asked, kek)
			return errors.Join(os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700))
		})
		if err == nil || len(asked) != 2 || asked[0] != keys[1] || asked[1] != keys[0] {
			t.Errorf("%s: the CA's file cannot be written: %v, keyring under %v", name, err, asked)
		}
		opens("the CA's file cannot be written", keys[0], keys[1])
		if err := os.RemoveAll(inTheWay); err != nil {
			t.Fatal(err)
		}

		err = a.change(t.Context(), keys[1], func(context.Context, store.KeyEncryption) error { return nil })
		if err != nil || !caFiles(t, s).Settled(keys[1]) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := a.get(caFiles(t, s), false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSettleRefuses: a CA that cannot be sealed is said at the start; one that
// cannot be used is left alone, and said.
func TestSettleRefuses(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), nil)
	log := &syncBuffer{}
	a := &authority{dir: filepath.Join(s.dir, "state", "ca"), log: textLog(log), kek: newKeyFile(t)}
	if err := os.MkdirAll(filepath.Join(a.dir, "."+issue.KeyFile+".new", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := a.settle(t.Context()); err == nil || !caFiles(t, s).InClear() {
		t.Errorf("a file in the way: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(a.dir, "."+issue.KeyFile+".new")); err != nil {
		t.Fatal(err)
	}
	s.write(t, "state/ca/ca.key", "no key")
	if err := a.settle(t.Context()); err != nil || !strings.Contains(log.String(), "cannot be used") {
		t.Errorf("no key: %v\n%s", err, log)
	}
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.settle(t.Context()), a.reseal(t.Context())); err != nil {
		t.Errorf("no CA: %v", err)
	}
}
