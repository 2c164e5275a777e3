package store_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/store"
	"github.com/cloister-ai/cloister/internal/store/storetest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// foreign is what somebody makes who can write the database and has no key of
// it: a row of his own, sealed by a keyring of his own, which lies in clear or
// under a key-encryption key whose public half he has.
type foreign struct {
	keyring, fingerprint, row []byte
	revision                  int64
}

func makeForeign(t *testing.T, kek store.KeyEncryption) foreign {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), dir, store.Options{KEK: kek})
	if err != nil {
		t.Fatal(err)
	}
	for range 9 {
		if err := s.PutSubscription(t.Context(), active("evil")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var f foreign
	if f.keyring, err = os.ReadFile(filepath.Join(dir, "keyring")); err != nil {
		t.Fatal(err)
	}
	query(t, dir, `SELECT value FROM meta WHERE name = 'digest-key-sha256'`, &f.fingerprint)
	query(t, dir, `SELECT revision, sealed FROM subscription`, &f.revision, &f.row)
	return f
}

// statements put it into a database; blob is how that spells bytes.
func (f foreign) statements(blob string) string {
	spell := func(b []byte) string { return fmt.Sprintf(blob, hex.EncodeToString(b)) }
	return fmt.Sprintf(`UPDATE meta SET value = %s WHERE name = 'digest-key-sha256';
DELETE FROM subscription WHERE id = 'evil'; INSERT INTO subscription (id, revision, sealed) VALUES ('evil', %d, %s);
UPDATE state SET revision = %d, generation = generation + 1`, spell(f.fingerprint), f.revision, spell(f.row), f.revision)
}

// TestForeignKeyring: a keyring that somebody has put in the place of ours
// while a gateway runs opens nothing, and the digest key stays what it was.
func TestForeignKeyring(t *testing.T) {
	kek := &storetest.KEK{Name: "kek"}
	for _, c := range []struct {
		name string
		kek  store.KeyEncryption
	}{{"in clear", nil}, {"sealed", kek}} {
		t.Run("SQLite "+c.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := store.Open(t.Context(), dir, store.Options{KEK: kek})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			putForeign(t, s, func(f foreign) {
				if err := os.WriteFile(filepath.Join(dir, "keyring"), f.keyring, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := exec(filepath.Join(dir, "state.db"), f.statements("x'%s'")); err != nil {
					t.Fatal(err)
				}
			}, c.kek)
		})
		t.Run("PostgreSQL "+c.name, func(t *testing.T) {
			d := testenv.Postgres(t)
			opt := postgresOptions(d)
			dir := t.TempDir()
			s, err := store.Open(t.Context(), dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			putForeign(t, s, func(f foreign) {
				d.Exec(t, "SET search_path = cloister; "+f.statements(`'\x%s'`)+
					fmt.Sprintf(`; UPDATE keyring SET envelope = '\x%x'`, f.keyring))
			}, c.kek)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			// Nor at the next start, which has the directory to go by.
			if s, err := store.Open(t.Context(), dir, opt); err == nil {
				t.Error("it starts with the foreign keyring", s.Close())
			}
			if c.kek == nil {
				refusedWith(t, opt, "its keyring is not the one")
			}
		})
	}
}

// putForeign puts foreign keys and rows below s, which goes on without them.
func putForeign(t *testing.T, s *store.Store, put func(foreign), kek store.KeyEncryption) {
	t.Helper()
	if err := s.PutSubscription(t.Context(), active("ours")); err != nil {
		t.Fatal(err)
	}
	digestKey, digest := s.DigestKey(), s.DigestOf("x", "y")
	secret, err := s.Seal("x", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	put(makeForeign(t, kek))
	for _, since := range []store.Revision{0, 1} {
		c, err := s.Changes(t.Context(), since)
		if err == nil {
			t.Errorf("changes since %d: no error", since)
		}
		for _, sub := range c.Subscriptions {
			t.Errorf("%q comes out of a foreign keyring", sub.ID)
		}
	}
	if _, err := s.GetSubscription(t.Context(), "evil"); err == nil {
		t.Error("the foreign row opens")
	}
	if err := s.PutSubscription(t.Context(), active("next")); err == nil {
		t.Error("it writes beside foreign rows")
	}
	if !bytes.Equal(digestKey, s.DigestKey()) || digest != s.DigestOf("x", "y") {
		t.Error("the digest key is another")
	}
	if b, err := s.Unseal("x", secret); err != nil || string(b) != "canary" {
		t.Errorf("its own secrets: %q, %v", b, err)
	}
}

// query reads one row of a directory's database.
func query(t *testing.T, dir, query string, into ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow(query).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

// oldTables are those of the version that had rows in clear, with a row that
// somebody has made up.
const oldTables = `
DROP TABLE subscription_key; DROP TABLE subscription; DROP TABLE tombstone; DROP TABLE state; DROP TABLE keyring;
DELETE FROM migration; INSERT INTO migration VALUES (1, 'subscriptions', 0);
CREATE TABLE subscription (id TEXT PRIMARY KEY, name TEXT, scope TEXT, state TEXT, created_at BIGINT, updated_at BIGINT);
CREATE TABLE subscription_key (digest %s PRIMARY KEY, subscription_id TEXT, slot TEXT);
INSERT INTO subscription VALUES ('evil', 'evil', '/apis', 'active', 0, 0);`

// TestTakenBackToClear: rows in clear, in the tables of the version before
// sealed rows, are not sealed for somebody who has no key.
func TestTakenBackToClear(t *testing.T) {
	opt := store.Options{KEK: &storetest.KEK{Name: "kek"}}
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		s, err := store.Open(t.Context(), dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), exec(filepath.Join(dir, "state.db"), fmt.Sprintf(oldTables, "BLOB"))); err != nil {
			t.Fatal(err)
		}
		if s, err := store.Open(t.Context(), dir, opt); err == nil || !strings.Contains(err.Error(), "digest.key is missing") {
			t.Errorf("%v, %v", s, err)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		d := testenv.Postgres(t)
		opt, dir := postgresOptions(d), t.TempDir()
		s, err := store.Open(t.Context(), dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		old := strings.Replace(fmt.Sprintf(oldTables, "BYTEA"), "DROP TABLE keyring;", "", 1)
		d.Exec(t, "SET search_path = cloister; "+old+"GRANT ALL ON ALL TABLES IN SCHEMA cloister TO PUBLIC")
		if s, err := store.Open(t.Context(), dir, opt); err == nil || !strings.Contains(err.Error(), `begins with step 1 "subscriptions"`) {
			t.Errorf("%v, %v", s, err)
		}
	})
}
