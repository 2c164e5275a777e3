package app

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

func newKeyFile(t *testing.T) *secret.KeyFile {
	t.Helper()
	k, err := secret.CreateKeyFile(filepath.Join(t.TempDir(), "key"), secret.New(testPassphrase), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

const (
	sealedLater  = "lay in clear and is sealed now"
	sealedByFile = "state:\n  encryption: {keyFile: {file: keys/state, passphrase: {file: keys/passphrase}}}\n"
)

// shows has a new connection see a certificate that the site's CA signed.
func (r *running) shows(t *testing.T, s *testSite) string {
	t.Helper()
	client := s.clientFor(t, r.Process, false)
	resp, err := client.Get(r.url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.TLS.PeerCertificates[0].SerialNumber.String()
}

// renew has the certificates be due.
func (r *running) renew() {
	r.reloading.Lock()
	r.current.certificates.renewAt = r.opt.Now().Add(-time.Second)
	r.reloading.Unlock()
	r.renewCertificates()
}

// TestCASealedAtStart: a CA's key in clear is sealed by the first start with
// encryption, which says so once, and signs before and after; commands sign
// beside it.
func TestCASealedAtStart(t *testing.T) {
	s := sealedSite(t)
	if !caFiles(t, s).InClear() {
		t.Fatal("it is sealed before the start")
	}
	g := s.start(t)
	files := caFiles(t, s)
	info, err := os.Stat(filepath.Join(s.dir, "state", "ca", issue.KeyFile))
	if err != nil || files.InClear() || len(files.SealedBy()) != 1 || info.Mode().Perm() != 0o600 || strings.Count(g.log.String(), sealedLater) != 1 {
		t.Errorf("in clear %v, by %v, mode %v, %v\n%s", files.InClear(), files.SealedBy(), info.Mode(), err, g.log)
	}
	first := g.shows(t, s)
	g.renew()
	if again := g.shows(t, s); again == first {
		t.Error("the renewed certificate is not shown")
	}
	loaded, problems := site.Load(s.dir)
	if loaded == nil {
		t.Fatal(problems.Err())
	}
	ca, err := OpenCA(t.Context(), loaded, CAOptions{})
	if err != nil {
		t.Fatal("beside the gateway: ", err)
	}
	if _, err := ca.IssueClient("team"); err != nil {
		t.Error(err)
	}
	s.write(t, "keys/passphrase", "another passphrase altogether")
	if _, err := OpenCA(t.Context(), loaded, CAOptions{}); err == nil || !strings.Contains(err.Error(), "the site's own CA") || !strings.Contains(err.Error(), "passphrase is wrong") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	s.write(t, "keys/passphrase", testPassphrase)
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := s.start(t)
	again.shows(t, s)
	if strings.Contains(again.log.String(), sealedLater) || !caFiles(t, s).Same(files) {
		t.Errorf("sealed once more:\n%s", again.log)
	}
	if _, err := again.operator().RotateState(t.Context()); err != nil || caFiles(t, s).Same(files) {
		t.Errorf("a rotation leaves it as it was: %v", err)
	}
	again.renew()
	again.shows(t, s)
}

// TestSealedCARefused: a sealed CA is refused without the key that sealed it,
// with what to do, and never with what would lose it.
func TestSealedCARefused(t *testing.T) {
	s := sealedSite(t)
	dir := filepath.Join(s.dir, "state", "ca")
	other := newKeyFile(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := issue.InitSealedCA(t.Context(), dir, issue.Options{Name: "test", PermittedDNS: []string{"localhost"}}, other); err != nil {
		t.Fatal(err)
	}
	was := caFiles(t, s)
	for name, config := range map[string]string{"another key": sealedByFile, "none": ""} {
		s.write(t, "cloister.yaml", s.config(config))
		if err := os.RemoveAll(filepath.Join(s.dir, "state", "keyring")); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(s.dir, "state", "state.db"))
		p, problems, err := Start(t.Context(), Options{Dir: s.dir})
		if p != nil || err != nil || len(problems) == 0 {
			t.Fatal(name, p, problems, err)
		}
		for _, problem := range problems {
			if problem.Code == "certificate-unreadable" && (!strings.Contains(problem.Message, other.ID()) || !strings.Contains(problem.Mend, "state.encryption") || strings.Contains(problem.Mend, "rm ")) {
				t.Errorf("%s: %+v", name, problem)
			}
		}
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), "is sealed by") || !caFiles(t, s).Same(was) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCAFollowsTheKey: reloads that change the key-encryption key seal the CA's
// key by it, and one that cannot changes nothing.
func TestCAFollowsTheKey(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/passphrase": testPassphrase})
	ids := map[string]string{}
	for _, name := range []string{"first", "second"} {
		k, err := secret.CreateKeyFile(filepath.Join(s.dir, "keys", name), secret.New(testPassphrase), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = k.ID()
	}
	config := func(name string) {
		if name == "" {
			s.write(t, "cloister.yaml", s.config(""))
			return
		}
		s.write(t, "cloister.yaml", s.config(strings.Replace(sealedByFile, "keys/state", "keys/"+name, 1)))
	}
	g := s.start(t)
	for _, name := range []string{"first", "second", "", "second"} {
		config(name)
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatal(r, err)
		}
		if by := strings.Join(caFiles(t, s).SealedBy(), " "); by != ids[name] || caFiles(t, s).InClear() != (name == "") {
			t.Errorf("%q: sealed by %q", name, by)
		}
		before := g.shows(t, s)
		g.renew()
		if g.shows(t, s) == before {
			t.Errorf("%q: nothing is signed", name)
		}
	}
	was := caFiles(t, s)
	s.write(t, "keys/passphrase", "another passphrase altogether")
	config("first")
	if r, err := g.Reload(t.Context()); err != nil || r.Accepted() || !caFiles(t, s).Same(was) {
		t.Errorf("a wrong passphrase: %v %v", r, err)
	}
	g.renew()
	g.shows(t, s)
	s.write(t, "keys/passphrase", testPassphrase)
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	// What crashes of a change leave: both forms, and the keyring under "second".
	config("second")
	kek := openTestKey(t, s, "second")
	ca, err := was.Open(t.Context(), kek, issue.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, with := range map[string]issue.KeyEncryption{"from or to another": openTestKey(t, s, "first"), "from or to none": nil} {
		both, err := was.With(t.Context(), ca, with)
		if err == nil {
			err = errors.Join(both.Write(), os.WriteFile(filepath.Join(s.dir, "state", "ca", ".ca.key.new"), []byte("half a key"), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		again := s.start(t)
		again.shows(t, s)
		if !caFiles(t, s).Settled(kek) {
			t.Errorf("%s: sealed by %v", name, caFiles(t, s).SealedBy())
		}
		if left, err := os.ReadDir(filepath.Join(s.dir, "state", "ca")); err != nil || len(left) != 2 {
			t.Errorf("%s: %v %v", name, left, err)
		}
		if err := again.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func openTestKey(t *testing.T, s *testSite, name string) *secret.KeyFile {
	t.Helper()
	k, err := secret.OpenKeyFile(filepath.Join(s.dir, "keys", name), secret.New(testPassphrase), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestCAInVault: the key of a vault seals the CA's; a vault that is down keeps
// nothing from being renewed, and after a rotation the old version is needed by
// nothing.
func TestCAInVault(t *testing.T) {
	s, vault := vaultSite(t)
	old, err := vault.SetKey("state", emulator.VaultRSA, emulator.VaultAttributes{})
	if err != nil {
		t.Fatal(err)
	}
	development := func(o *Options) { o.Development = true }
	g := s.startWith(t, development)
	if by := caFiles(t, s).SealedBy(); len(by) != 1 || !strings.HasSuffix(by[0], "/keys/state") || caFiles(t, s).InClear() {
		t.Errorf("sealed by %v", by)
	}
	vault.SetOutage(true)
	before := g.shows(t, s)
	g.renew()
	if g.shows(t, s) == before {
		t.Error("not renewed while the vault is down")
	}
	loaded, problems := site.Load(s.dir)
	if loaded == nil {
		t.Fatal(problems.Err())
	}
	vault.SetOutage(false)
	if _, err := OpenCA(t.Context(), loaded, CAOptions{Development: true}); err != nil {
		t.Errorf("beside the gateway: %v", err)
	}
	if _, err := vault.SetKey("state", emulator.VaultRSA, emulator.VaultAttributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.operator().RotateState(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := vault.SetKeyAttributes("state", old[strings.LastIndexByte(old, '/')+1:], emulator.VaultAttributes{Disabled: true}); err != nil {
		t.Fatal(err)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.startWith(t, development).shows(t, s)
}

// TestCheckSealedCA: "check" judges a sealed CA by its certificate, asks for no
// key, and says what a start would refuse.
func TestCheckSealedCA(t *testing.T) {
	s := sealedSite(t)
	dir := filepath.Join(s.dir, "state", "ca")
	loaded, problems := site.Load(s.dir)
	if loaded == nil {
		t.Fatal(problems.Err())
	}
	remake := func(opt issue.Options) {
		t.Helper()
		opt.Name = "test"
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		// The key file is there for this, and gone when "check" comes.
		if _, err := secret.CreateKeyFile(filepath.Join(s.dir, "keys", "state"), secret.New(testPassphrase), rand.Reader); err != nil {
			t.Fatal(err)
		}
		if _, err := MakeCA(t.Context(), loaded, opt, CAOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(s.dir, "keys", "state")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(s.dir, "keys", "state")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, code, says string
		ca               issue.Options
		config           string
		later            time.Duration
		ok               bool
	}{
		{"good", "", "", issue.Options{PermittedDNS: []string{"localhost"}}, sealedByFile, 0, true},
		{"another name", "certificate-unreadable", "localhost", issue.Options{PermittedDNS: []string{"gateway.internal"}}, sealedByFile, 0, false},
		{"over", "certificate-unreadable", "valid from", issue.Options{PermittedDNS: []string{"localhost"}}, sealedByFile, 11 * 365 * 24 * time.Hour, false},
		{"nearly over", "certificate-expires-soon", "", issue.Options{PermittedDNS: []string{"localhost"}, Lifetime: 20 * 24 * time.Hour}, sealedByFile, 0, true},
		{"the emulator's", "certificate-unreadable", "emulator", issue.Options{PermittedDNS: []string{"localhost"}, Emulator: true}, sealedByFile, 0, false},
		{"no encryption", "ca-sealed", "key-file:", issue.Options{PermittedDNS: []string{"localhost"}}, "", 0, true},
	} {
		remake(tt.ca)
		s.write(t, "cloister.yaml", s.config(tt.config))
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir, Now: func() time.Time { return time.Now().Add(tt.later) }})
		if err != nil {
			t.Fatal(err)
		}
		var found *site.Problem
		for i := range r.Problems {
			if r.Problems[i].Code == tt.code {
				found = &r.Problems[i]
			}
		}
		if r.OK != tt.ok || tt.code == "" && len(r.Problems) > 0 || tt.code != "" && (found == nil || !strings.Contains(found.Message, tt.says) || found.Mend == "") {
			t.Errorf("%s: ok %v, %+v", tt.name, r.OK, r.Problems)
		}
	}
}
