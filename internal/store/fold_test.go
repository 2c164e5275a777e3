package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestFold: folding twice is folding once, for every letter.
func TestFold(t *testing.T) {
	for r := range unicode.MaxRune {
		if once := fold(string(r)); fold(once) != once {
			t.Errorf("%U: %q, then %q", r, once, fold(once))
		}
	}
}

// unfolded is a directory of the version before, which had the ids as they are
// given, and a backup of it.
func unfolded(t *testing.T, ids ...string) (dir string, backup []byte) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	err = s.write(t.Context(), "filling", func(w *writing) error {
		for i, id := range ids {
			sub := Subscription{ID: id, Scope: "/apis", State: "active", PrimaryDigest: fingerprint([]byte{byte(i)})}
			box, err := w.ring.current().seal(w.random, rowContext(id, w.next()), sub.marshal())
			w.rows.add(&w.rows.sum, id, w.revision)
			if err == nil {
				_, err = w.exec(`INSERT INTO subscription VALUES (?, ?, ?)`, id, int64(w.revision), box)
			}
			if err == nil {
				err = w.putKeys(id, sub)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Backup(t.Context(), &b, BackupMeta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(`DELETE FROM migration WHERE version >= 3; ALTER TABLE state DROP COLUMN row_sum; DROP TABLE connection`); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, keyringName)
	ring, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Replace(ring, []byte(`,"rowSums":true`), nil, 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, b.Bytes()
}

// TestUnfoldedIDs: ids that have a case outside ASCII are taken over, from a
// directory and from a backup, and two that are one now are refused.
func TestUnfoldedIDs(t *testing.T) {
	ways := map[string]func(t *testing.T, dir string, backup io.Reader) (*Store, error){
		"migration": func(t *testing.T, dir string, _ io.Reader) (*Store, error) { return Open(t.Context(), dir, Options{}) },
		"restore": func(t *testing.T, _ string, backup io.Reader) (*Store, error) {
			dir := t.TempDir()
			if _, err := Restore(t.Context(), dir, backup, Options{}); err != nil {
				return nil, err
			}
			return Open(t.Context(), dir, Options{})
		},
	}
	for name, open := range ways {
		t.Run(name, func(t *testing.T) {
			dir, backup := unfolded(t, "École", "plain")
			s, err := open(t, dir, bytes.NewReader(backup))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if sub, err := s.GetSubscription(t.Context(), "école"); err != nil || sub.ID != "École" || len(sub.PrimaryDigest) == 0 {
				t.Errorf("%+v, %v", sub, err)
			}
			c, err := s.Changes(t.Context(), 0)
			if err != nil || len(c.Subscriptions) != 2 || len(c.Damaged) > 0 || s.edited.Load() != nil {
				t.Errorf("%+v, %v", c, err)
			}
			var inUse *KeyInUseError
			err = s.PutSubscription(t.Context(), Subscription{ID: "x", Scope: "/apis", State: "active", PrimaryDigest: fingerprint([]byte{0})})
			if !errors.As(err, &inUse) || inUse.Subscription != "école" {
				t.Errorf("its key: %v", err)
			}
			dir, backup = unfolded(t, "École", "école")
			if s, err := open(t, dir, bytes.NewReader(backup)); err == nil || !strings.Contains(err.Error(), "in case alone") {
				t.Errorf("%v, %v; want a refusal", s, err)
			}
		})
	}
}
