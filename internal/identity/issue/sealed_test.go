package issue_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/secret/secrettest"
)

// keyFile is a key-encryption key.
func keyFile(t *testing.T) *secret.KeyFile {
	t.Helper()
	k, err := secret.CreateKeyFile(filepath.Join(t.TempDir(), "key"), secret.New("a passphrase of a test"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// counted counts what a key-encryption key is asked, and may be out of order.
type counted struct {
	issue.KeyEncryption
	asked int
	down  error
}

func (c *counted) Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	c.asked++
	if c.down != nil {
		return nil, c.down
	}
	return c.KeyEncryption.Wrap(ctx, plaintext, aad)
}

func (c *counted) Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	c.asked++
	if c.down != nil {
		return nil, c.down
	}
	return c.KeyEncryption.Unwrap(ctx, sealed, aad)
}

func read(t *testing.T, dir string) *issue.Files {
	t.Helper()
	f, err := issue.ReadFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSealedFromTheStart: no byte of the key is written in clear, and it opens
// by its key-encryption key alone.
func TestSealedFromTheStart(t *testing.T) {
	dir, kek := filepath.Join(t.TempDir(), "ca"), keyFile(t)
	made, err := issue.InitSealedCA(t.Context(), dir, options(), kek)
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, dir)
	if f.InClear() || !f.Settled(kek) || f.Settled(nil) || len(f.SealedBy()) != 1 || f.SealedBy()[0] != kek.ID() {
		t.Errorf("in clear %v, sealed by %v", f.InClear(), f.SealedBy())
	}
	if info, err := os.Stat(filepath.Join(dir, issue.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	ca, err := f.Open(t.Context(), kek, issue.LoadOptions{Now: at(day)})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.IssueServer("localhost")
	if err != nil || cert.Leaf.CheckSignatureFrom(made.Certificate) != nil {
		t.Errorf("what it signs: %v", err)
	}
	clear, err := f.With(t.Context(), ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := onDisk(t, dir, clear.Only(nil))
	block, _ := pem.Decode(text)
	canaries := secrettest.New(t, map[string]string{"the key": string(block.Bytes), "its text": strings.Split(string(text), "\n")[1]})
	if len(canaries.Bytes("the file in clear", text)) == 0 {
		t.Error("the canaries would not be found")
	}
	onDisk(t, dir, f)
	canaries.NoneBelow(t, dir)
}

// onDisk writes files and says what is in the key's.
func onDisk(t *testing.T, dir string, f *issue.Files) []byte {
	t.Helper()
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, issue.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if !read(t, dir).Same(f) {
		t.Error("what was written is not what is read")
	}
	return text
}

// TestSealedRefuses: without the key, with another, for another certificate,
// and after any change of its bytes, a sealed key does not open.
func TestSealedRefuses(t *testing.T) {
	dir, kek := filepath.Join(t.TempDir(), "ca"), keyFile(t)
	if _, err := issue.InitSealedCA(t.Context(), dir, options(), kek); err != nil {
		t.Fatal(err)
	}
	var sealed *issue.SealedError
	if _, err := issue.LoadCA(dir, issue.LoadOptions{}); !errors.As(err, &sealed) || !strings.Contains(err.Error(), kek.ID()) || !strings.Contains(err.Error(), "set state.encryption") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := read(t, dir).Open(t.Context(), keyFile(t), issue.LoadOptions{}); !errors.As(err, &sealed) || !strings.Contains(err.Error(), kek.ID()) {
		t.Errorf("another key: %v", err)
	}
	down := errors.New("the vault is down")
	if _, err := read(t, dir).Open(t.Context(), &counted{KeyEncryption: kek, down: down}, issue.LoadOptions{}); !errors.Is(err, down) || !errors.As(err, &sealed) {
		t.Errorf("a key that does not answer: %v", err)
	}

	other := filepath.Join(t.TempDir(), "ca")
	if _, err := issue.InitSealedCA(t.Context(), other, options(), kek); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(other, issue.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, issue.KeyFile)
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, with := range map[string][]byte{
		"another authority's":      text,
		"a byte is another":        changedPEM(t, kept),
		"another format":           bytes.Replace(kept, []byte("Format: 1"), []byte("Format: 2"), 1),
		"no format":                bytes.Replace(kept, []byte("Format: 1\n"), nil, 1),
		"no name of what sealed":   bytes.Replace(kept, []byte(kek.ID()), nil, 1),
		"twice":                    append(bytes.Clone(kept), kept...),
		"another kind":             bytes.ReplaceAll(kept, []byte("SEALED CA KEY"), []byte("SEALED EA KEY")),
		"something behind it":      append(bytes.Clone(kept), "x"...),
		"cut short":                kept[:len(kept)/2],
		"a clear type around it":   bytes.ReplaceAll(kept, []byte("CLOISTER SEALED CA KEY"), []byte("PRIVATE KEY")),
		"renamed to another's key": bytes.Replace(kept, []byte(kek.ID()), []byte(keyFile(t).ID()), 1),
	} {
		if bytes.Equal(with, kept) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := os.WriteFile(path, with, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := issue.ReadFiles(dir)
		if err == nil {
			_, err = f.Open(t.Context(), kek, issue.LoadOptions{})
		}
		if err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// changedPEM changes what a block holds, and keeps its form.
func changedPEM(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	i := bytes.Index(block.Bytes, []byte(`"data":"`)) + len(`"data":"`)
	block.Bytes[i] ^= 1
	return pem.EncodeToMemory(block)
}

// TestTwoForms: while one key takes the place of another, either opens; what is
// then dropped opens no more, and dropping asks nobody.
func TestTwoForms(t *testing.T) {
	for name, keys := range map[string][2]issue.KeyEncryption{
		"to another": {keyFile(t), keyFile(t)}, "to a key": {nil, keyFile(t)}, "to none": {keyFile(t), nil},
	} {
		dir := filepath.Join(t.TempDir(), "ca")
		ca, err := issue.InitSealedCA(t.Context(), dir, options(), keys[0])
		if err != nil {
			t.Fatal(err)
		}
		both, err := read(t, dir).With(t.Context(), ca, keys[1])
		if err != nil {
			t.Fatal(name, err)
		}
		onDisk(t, dir, both)
		for i, kek := range keys {
			if _, err := read(t, dir).Open(t.Context(), kek, issue.LoadOptions{}); err != nil || both.Settled(kek) {
				t.Errorf("%s: key %d of both: %v", name, i, err)
			}
		}
		onDisk(t, dir, both.Only(keys[1]))
		if _, err := read(t, dir).Open(t.Context(), keys[1], issue.LoadOptions{}); err != nil || !read(t, dir).Settled(keys[1]) {
			t.Errorf("%s: the new key: %v", name, err)
		}
		if _, err := read(t, dir).Open(t.Context(), keys[0], issue.LoadOptions{}); (err == nil) != (keys[1] == nil) {
			t.Errorf("%s: the old key: %v", name, err) // what lies in clear opens by any
		}
	}
}

// TestSealAgain: the same key seals anew in one form, as a new version of it
// does in a vault; where it does not answer, nothing was changed.
func TestSealAgain(t *testing.T) {
	dir, kek := filepath.Join(t.TempDir(), "ca"), &counted{KeyEncryption: keyFile(t)}
	ca, err := issue.InitSealedCA(t.Context(), dir, options(), kek)
	if err != nil {
		t.Fatal(err)
	}
	was := read(t, dir)
	kek.down = errors.New("the vault is down")
	if _, err := was.With(t.Context(), ca, kek); !errors.Is(err, kek.down) || !read(t, dir).Same(was) {
		t.Errorf("while it is down: %v", err)
	}
	kek.down = nil
	again, err := was.With(t.Context(), ca, kek)
	if err != nil || again.Same(was) || !again.Settled(kek) {
		t.Errorf("again: %v", err)
	}
	kek.down = errors.New("the vault is down")
	if _, err := issue.InitSealedCA(t.Context(), filepath.Join(t.TempDir(), "ca"), options(), kek); !errors.Is(err, kek.down) {
		t.Errorf("an authority whose key cannot be sealed: %v", err)
	}
}

// TestWriteReplaces: a symbolic link stays and what it leads to is replaced;
// what a crash left is removed; a directory that cannot be written keeps the
// key as it was.
func TestWriteReplaces(t *testing.T) {
	dir, kek := filepath.Join(t.TempDir(), "ca"), keyFile(t)
	ca, err := issue.InitCA(dir, options())
	if err != nil {
		t.Fatal(err)
	}
	path, target := filepath.Join(dir, issue.KeyFile), filepath.Join(t.TempDir(), "elsewhere")
	if err := errors.Join(os.Rename(path, target), os.Symlink(target, path)); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	left := filepath.Join(filepath.Dir(target), ".elsewhere.new")
	if err := os.WriteFile(left, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := read(t, dir).With(t.Context(), ca, kek)
	if err != nil {
		t.Fatal(err)
	}
	onDisk(t, dir, sealed.Only(kek))
	info, err := os.Lstat(path)
	text, errRead := os.ReadFile(target)
	if err != nil || errRead != nil || info.Mode()&os.ModeSymlink == 0 || bytes.Contains(text, []byte("PRIVATE KEY")) {
		t.Errorf("%v %v %s %v", info, err, text, errRead)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left: %v", err)
	}
	if os.Geteuid() == 0 {
		return // nothing is read-only for root
	}
	if err := os.Chmod(filepath.Dir(target), 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Dir(target), 0o700)
	if err := sealed.Write(); err == nil || !read(t, dir).Same(sealed.Only(kek)) {
		t.Errorf("written to a directory that cannot be written: %v", err)
	}
}

// TestStandIn: it refuses what the authority refuses, and what it signs nobody
// trusts.
func TestStandIn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	opt := options()
	opt.Emulator = true
	made, err := issue.InitSealedCA(t.Context(), dir, opt, keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	stand := func(now time.Time) *issue.CA {
		t.Helper()
		ca, err := read(t, dir).StandIn(issue.LoadOptions{Now: at(now)})
		if err != nil {
			t.Fatal(err)
		}
		return ca
	}
	cert, err := stand(day).IssueServer("api.localhost", "10.1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if cert.Leaf.CheckSignatureFrom(made.Certificate) == nil {
		t.Error("the authority's own certificate vouches for it")
	}
	if !issue.IsEmulator(stand(day).Certificate) || !issue.IsEmulator(cert.Leaf) {
		t.Error("the marker is missing")
	}
	var outside *issue.OutsideError
	if _, err := stand(day).IssueServer("www.example.com"); !errors.As(err, &outside) {
		t.Errorf("a name outside: %v", err)
	}
	if _, err := stand(made.Certificate.NotAfter).IssueServer("localhost"); err == nil {
		t.Error("signed after its end")
	}
}

// FuzzSealedKey: whatever the file holds, reading it does not panic, and what
// it takes for a key is written and read as the same.
func FuzzSealedKey(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "ca")
	ca, err := issue.InitCA(dir, options())
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, issue.KeyFile)
	clear, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	files, err := issue.ReadFiles(dir)
	if err != nil {
		f.Fatal(err)
	}
	kek, err := secret.CreateKeyFile(filepath.Join(f.TempDir(), "key"), secret.New("a passphrase of a test"), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	both, err := files.With(context.Background(), ca, kek)
	if err != nil {
		f.Fatal(err)
	}
	if err := both.Write(); err != nil {
		f.Fatal(err)
	}
	two, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(clear)
	f.Add(two)
	f.Add(two[len(clear):])
	f.Add([]byte("-----BEGIN CLOISTER SEALED CA KEY-----\nFormat: 1\nKey-Encryption-Key: a\n\nAAAA\n-----END CLOISTER SEALED CA KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := issue.ReadFiles(dir)
		if err != nil {
			return
		}
		if !read.InClear() && len(read.SealedBy()) == 0 {
			t.Error("a key in no form")
		}
		if err := read.Write(); err != nil {
			t.Fatal(err)
		}
		again, err := issue.ReadFiles(dir)
		if err != nil || !again.Same(read) {
			t.Errorf("written as something else: %v", err)
		}
	})
}
