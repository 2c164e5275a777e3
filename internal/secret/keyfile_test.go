package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/secret/secrettest"
)

const passphrase = "correct horse battery staple"

// cheap are costs that a test can pay often.
func cheap() kdf { return kdf{Name: kdfName, MemoryKiB: 64, Passes: 1, Lanes: 1} }

func newKeyFile(t testing.TB) (path string, k *KeyFile) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.key")
	k, err := createKeyFile(path, New(passphrase), rand.Reader, cheap())
	if err != nil {
		t.Fatal(err)
	}
	return path, k
}

func open(path, with string) (*KeyFile, error) { return OpenKeyFile(path, New(with), rand.Reader) }

// TestKeyFile: the real costs, once: made, opened, used.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.key")
	made, err := CreateKeyFile(path, New(passphrase), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := made.Wrap(t.Context(), []byte("what the keyring is"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f keyFileText
	if err := json.Unmarshal(text, &f); err != nil || f.KDF.Name != "argon2id" || f.KDF.MemoryKiB != 65536 || f.KDF.Passes != 3 || f.KDF.Lanes != 1 {
		t.Errorf("the file says %+v, %v", f.KDF, err)
	}
	found := secrettest.New(t, map[string]string{"the passphrase": passphrase, "the key": made.key.Reveal(), "the keyring": "what the keyring is"})
	found.None(t, "the file", text)
	found.None(t, "the envelope", sealed)
	start := time.Now()
	k, err := open(path, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("opening took %s", time.Since(start))
	got, err := k.Unwrap(t.Context(), sealed, []byte("aad"))
	if err != nil || string(got) != "what the keyring is" || k.ID() != made.ID() || !strings.HasPrefix(k.ID(), "key-file:") {
		t.Errorf("%q, %v, %s", got, err, k.ID())
	}
	if needs, err := k.NeedsRewrap(t.Context(), sealed); needs || err != nil {
		t.Errorf("%v, %v", needs, err)
	}
}

// TestKeyFileAccess: the file is its owner's, is not written over, and is not
// read where everybody can.
func TestKeyFileAccess(t *testing.T) {
	path, _ := newKeyFile(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if _, err := createKeyFile(path, New(passphrase), rand.Reader, cheap()); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("written over: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file is another")
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path, passphrase); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open to everybody: %v", err)
	}
	if _, err := open(filepath.Join(t.TempDir(), "none"), passphrase); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing: %v", err)
	}
}

func TestKeyFileWrongPassphrase(t *testing.T) {
	path, _ := newKeyFile(t)
	for _, wrong := range []string{"", passphrase + "x", passphrase[1:], strings.ToUpper(passphrase)} {
		_, err := open(path, wrong)
		var typed *KeyError
		if !errors.As(err, &typed) || typed.Reason != "the passphrase is wrong" || typed.Mend == "" {
			t.Errorf("%q: %v", wrong, err)
		}
		if err != nil && wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("the error shows what was tried: %v", err)
		}
	}
	for _, weak := range []string{"", "short", strings.Repeat("x", MinPassphrase-1)} {
		if _, err := CreateKeyFile(filepath.Join(t.TempDir(), "k"), New(weak), rand.Reader); err == nil || !strings.Contains(err.Error(), "at least 12 bytes") {
			t.Errorf("%q: %v", weak, err)
		}
	}
}

// TestKeyFileDamage: no bit can be another, no byte missing, and damage is not
// taken for a wrong passphrase.
func TestKeyFileDamage(t *testing.T) {
	path, _ := newKeyFile(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(path, passphrase)
		if !errors.As(err, new(*KeyError)) || errors.Is(err, errPassphrase) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		try("byte "+string(good[i])+" changed", bad)
		if _, err := open(path, passphrase); !errors.Is(err, errKeyFileDamaged) || !strings.Contains(err.Error(), "; mend: bring the file back") {
			t.Errorf("byte %d changed, and it is not said to be damage: %v", i, err)
		}
		try("cut", good[:i])
	}
	for text, want := range map[string]string{
		"{}": "not a key file", "-----BEGIN": "not a key file", `{"cloisterKeyFile":2,"id":"of another time"}`: "its format is 2",
	} {
		if _, err := parseKeyFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	try("added", append(bytes.Clone(good), '\n'))
	try("large", bytes.Repeat([]byte(" "), maxKeyFile+1))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path, passphrase); err != nil {
		t.Errorf("the file as it was: %v", err)
	}
}

// TestKeyFileForged: who changes a file and makes its digest fit does not get a
// key of his choice into use, nor the machine's memory.
func TestKeyFileForged(t *testing.T) {
	path, _ := newKeyFile(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*keyFileText)
		want   string
	}{
		"key":        {func(f *keyFileText) { f.Key[0] ^= 1 }, "changed by somebody"},
		"nonce":      {func(f *keyFileText) { f.Nonce[0] ^= 1 }, "changed by somebody"},
		"id":         {func(f *keyFileText) { f.ID = "0011223344556677" }, "changed by somebody"},
		"salt":       {func(f *keyFileText) { f.KDF.Salt[0] ^= 1 }, "passphrase is wrong"},
		"passes":     {func(f *keyFileText) { f.KDF.Passes = 2 }, "passphrase is wrong"},
		"1 TiB":      {func(f *keyFileText) { f.KDF.MemoryKiB = 1 << 30 }, "at most 524288 KiB"},
		"no memory":  {func(f *keyFileText) { f.KDF.MemoryKiB = 0 }, "it asks for"},
		"years":      {func(f *keyFileText) { f.KDF.Passes = 1 << 31 }, "it asks for"},
		"no passes":  {func(f *keyFileText) { f.KDF.Passes = 0 }, "it asks for"},
		"lanes":      {func(f *keyFileText) { f.KDF.Lanes = 255 }, "it asks for"},
		"no lanes":   {func(f *keyFileText) { f.KDF.Lanes = 0 }, "it asks for"},
		"function":   {func(f *keyFileText) { f.KDF.Name = strings.Repeat("md5", 100) }, `"md5md5md5md5md5m…"`},
		"short salt": {func(f *keyFileText) { f.KDF.Salt = nil }, "it asks for"},
		"format":     {func(f *keyFileText) { f.Format = 2 }, "damaged"},
		"short key":  {func(f *keyFileText) { f.Key = f.Key[:16] }, "damaged"},
	} {
		f, err := parseKeyFile(text)
		if err != nil {
			t.Fatal(err)
		}
		c.change(f)
		f.Digest = f.digest()
		forged, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := open(path, passphrase); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

// TestChangePassphrase: the key stays, the old passphrase goes, and whatever
// goes wrong leaves the file as it was.
func TestChangePassphrase(t *testing.T) {
	path, k := newKeyFile(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Wrap(t.Context(), []byte("content"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const next = "another passphrase"
	before, _ := os.ReadFile(path)
	for name, c := range map[string]struct {
		old, to string
		random  io.Reader
	}{
		"wrong": {"wrong passphrase", next, rand.Reader},
		"weak":  {passphrase, "short", rand.Reader},
		"noise": {passphrase, next, bytes.NewReader(nil)},
	} {
		if err := changePassphrase(path, New(c.old), New(c.to), c.random, cheap()); !errors.As(err, new(*KeyError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file is another")
	}
	if err := changePassphrase(link, New(passphrase), New(next), rand.Reader, cheap()); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path, passphrase); !errors.Is(err, errPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	now, err := open(link, next)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := now.Unwrap(t.Context(), sealed, nil); string(got) != "content" || now.ID() != k.ID() {
		t.Errorf("%q, %v, %s", got, err, now.ID())
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := ChangePassphrase(filepath.Join(t.TempDir(), "none"), New(passphrase), New(next), rand.Reader); err == nil {
		t.Error("of a file that is not there")
	}
}

func TestKeyFileOfAnother(t *testing.T) {
	_, a := newKeyFile(t)
	_, b := newKeyFile(t)
	sealed, err := a.Wrap(t.Context(), []byte("content"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Unwrap(t.Context(), sealed, nil); err == nil || !strings.Contains(err.Error(), "sealed by another key") {
		t.Errorf("got %v", err)
	}
	if _, err := b.NeedsRewrap(t.Context(), sealed); err == nil {
		t.Error("another key's needs no new seal")
	}
	if _, err := a.Unwrap(t.Context(), sealed, []byte("elsewhere")); !errors.Is(err, errNotOpening) {
		t.Errorf("got %v", err)
	}
	again, err := a.Wrap(t.Context(), []byte("content"), nil)
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("two seals are the same, %v", err)
	}
}

// FuzzKeyFile: what is read is what would be written, and asks for no more than
// the bounds.
func FuzzKeyFile(f *testing.F) {
	path, _ := newKeyFile(f)
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}"))
	f.Add([]byte(`{"cloisterKeyFile":1,"id":"0011223344556677","kdf":{"name":"argon2id","memoryKiB":4294967295}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseKeyFile(text)
		if err != nil {
			return
		}
		if again, err := got.encode(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s was read, and is written %s", text, again)
		}
		if got.KDF.MemoryKiB > maxMemory || got.KDF.Passes > maxPasses || got.KDF.Lanes > maxLanes {
			t.Errorf("it asks for %+v", got.KDF)
		}
	})
}
