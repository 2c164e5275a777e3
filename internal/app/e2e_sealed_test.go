package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/secret/secrettest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

const testPassphrase = "a passphrase that only this test has"

// sharedKeyFile is the text of a key file; the same for one database.
func sharedKeyFile(t *testing.T, db *testenv.PostgresDatabase) string {
	t.Helper()
	path := filepath.Join(os.TempDir(), "cloister-test-"+db.Database+".key")
	if _, err := secret.CreateKeyFile(path, secret.New(testPassphrase), rand.Reader); err == nil {
		t.Cleanup(func() { os.Remove(path) })
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sealedSite is a site whose state is sealed by a key file.
func sealedSite(t *testing.T) *testSite {
	t.Helper()
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/passphrase": testPassphrase})
	if _, err := secret.CreateKeyFile(filepath.Join(s.dir, "keys", "state"), secret.New(testPassphrase), rand.Reader); err != nil {
		t.Fatal(err)
	}
	s.write(t, "cloister.yaml", s.config(`state:
  encryption: {keyFile: {file: keys/state, passphrase: {file: keys/passphrase}}}
`))
	return s
}

// TestSealedState: nothing of a secret lies in the state directory in clear,
// whatever was done; a wrong passphrase opens nothing; keys rotate while
// requests are served.
func TestSealedState(t *testing.T) {
	s := sealedSite(t)
	caKey, err := os.ReadFile(filepath.Join(s.dir, "state", "ca", issue.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	caDER, _ := pem.Decode(caKey)
	g := s.start(t)
	door := g.operator()
	keys, err := door.CreateSubscription(t.Context(), admin.CreateSubscription{Name: "team-of-canaries", DisplayName: "canary display name"})
	if err != nil {
		t.Fatal(err)
	}
	stream := g.stream(t, keys.PrimaryKey)
	before, err := door.Status(t.Context())
	if err != nil || !strings.HasPrefix(before.State.KeyEncryptionKey, "key-file:") {
		t.Fatalf("%+v %v", before.State, err)
	}
	rotated, err := door.RotateState(t.Context())
	if err != nil || rotated.DataKey == "" || rotated.KeyEncryptionKey != before.State.KeyEncryptionKey {
		t.Fatalf("%+v %v", rotated, err)
	}
	stream.goesOn(t)
	if got := g.with(t, keys.SecondaryKey); got != 200 {
		t.Errorf("after the rotation: %d", got)
	}
	var backup strings.Builder
	if err := door.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	signer, err := g.state.auditKey(false)
	if err != nil {
		t.Fatal(err)
	}
	digestKey := string(g.state.store.DigestKey())
	f := secrettest.New(t, map[string]string{
		"the primary key": keys.PrimaryKey, "the secondary key": keys.SecondaryKey, "the team's key": teamKey,
		"the passphrase": testPassphrase, "the digest key": digestKey, "the audit log's key": signer.Reveal(),
		"the CA's key": string(caDER.Bytes), "the CA's key in PEM": strings.Split(string(caKey), "\n")[1],
	})
	if len(f.Bytes(issue.KeyFile, caKey)) == 0 {
		t.Fatal("the CA's key as it was would not be found")
	}
	// Rows are sealed whole; the audit log may name what it is about.
	rows := secrettest.New(t, map[string]string{"the display name": "canary display name"})
	f.NoneBelow(t, g.state.dir)
	answers := doorAnswers(t, door)
	f.None(t, "the door's answers", answers)
	f.None(t, "the backup", []byte(backup.String()))
	f.None(t, "the operator's log", []byte(g.log.String()))
	f.None(t, "the access records", []byte(g.records.String()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	f.NoneBelow(t, g.state.dir)
	for _, name := range []string{"state.db", "keyring"} {
		text, err := os.ReadFile(filepath.Join(g.state.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		rows.None(t, name, text)
	}

	s.write(t, "keys/passphrase", "another passphrase altogether")
	if _, _, err := Start(t.Context(), Options{Dir: s.dir}); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	s.write(t, "cloister.yaml", s.config(""))
	if _, _, err := Start(t.Context(), Options{Dir: s.dir}); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("without the key file: %v", err)
	}
	s.write(t, "keys/passphrase", testPassphrase)
	s.write(t, "cloister.yaml", s.config("state:\n  encryption: {keyFile: {file: keys/state, passphrase: {file: keys/passphrase}}}\n"))
	again := s.start(t)
	if got := again.with(t, keys.PrimaryKey); got != 200 {
		t.Errorf("after a restart: %d", got)
	}
}

// doorAnswers is what the door shows of everything that it shows.
func doorAnswers(t *testing.T, door *admin.Client) []byte {
	t.Helper()
	ctx := t.Context()
	status, err := door.Status(ctx)
	list, errList := door.Subscriptions(ctx)
	one, errOne := door.Subscription(ctx, "team-of-canaries")
	page, errPage := door.Audit(ctx, 0, 1000)
	_, errDenied := door.RotateKey(ctx, "nobody", "primary")
	text, errText := json.Marshal([]any{status, list, one, page, errDenied.Error()})
	if err := errors.Join(err, errList, errOne, errPage, errText); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSealedByAnotherKey: a site without a key-encryption key gets one, then
// another, then none again, by reloads and without a restart.
func TestSealedByAnotherKey(t *testing.T) {
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/passphrase": testPassphrase})
	for _, name := range []string{"first", "second"} {
		if _, err := secret.CreateKeyFile(filepath.Join(s.dir, "keys", name), secret.New(testPassphrase), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	g := s.start(t)
	keys, err := g.operator().CreateSubscription(t.Context(), admin.CreateSubscription{Name: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range []string{"first", "second", ""} {
		more := ""
		if name != "" {
			more = "state:\n  encryption: {keyFile: {file: keys/" + name + ", passphrase: {file: keys/passphrase}}}\n"
		}
		s.write(t, "cloister.yaml", s.config(more))
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatal(r, err)
		}
		status, err := g.operator().Status(t.Context())
		if err != nil || seen[status.State.KeyEncryptionKey] || (name == "") != (status.State.KeyEncryptionKey == "") {
			t.Errorf("%q: sealed by %q, %v", name, status.State.KeyEncryptionKey, err)
		}
		seen[status.State.KeyEncryptionKey] = true
		if got := g.with(t, keys.PrimaryKey); got != 200 {
			t.Errorf("%q: %d", name, got)
		}
	}
	s.write(t, "cloister.yaml", s.config("state:\n  encryption: {keyFile: {file: keys/none, passphrase: {file: keys/passphrase}}}\n"))
	if r, err := g.Reload(t.Context()); err != nil || r.Accepted() {
		t.Errorf("a key file that is not there: %v %v", r, err)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.write(t, "cloister.yaml", s.config(""))
	if again := s.start(t); again.with(t, keys.PrimaryKey) != 200 {
		t.Error("after a restart")
	}
}

// vaultSite is a site that trusts an emulated Key Vault for a subscription key
// and for the key of its state.
func vaultSite(t *testing.T) (*testSite, *emulator.KeyVault) {
	t.Helper()
	var entra *emulator.Entra
	var vault *emulator.KeyVault
	issuer, issuerPort := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { entra.ServeHTTP(w, r) }))
	at, vaultPort := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { vault.ServeHTTP(w, r) }))
	const clientSecret = "the-gateway-logs-in-with-this-one"
	var err error
	if entra, err = emulator.NewEntra(emulator.EntraOptions{
		BaseURL: issuer.URL, TenantID: tenant,
		Clients:   []emulator.EntraClient{{ID: mapped, Secrets: []secret.Value{secret.New(clientSecret)}}},
		Resources: []emulator.EntraResource{emulator.KeyVaultResource()},
	}); err != nil {
		t.Fatal(err)
	}
	vault = newVault(t, at, entra)
	s := newSite(t, http.HandlerFunc(endless), map[string]string{"keys/vault": clientSecret})
	config := with(s.config(fmt.Sprintf(`keyVault:
  refreshInterval: 100ms
  caFile: tls/backend.pem
  credential:
    clientSecret: {authority: %q, tenantId: %s, clientId: %s, secret: {file: keys/vault}, caFile: tls/backend.pem}
state:
  encryption: {keyVault: {key: "%s/keys/state"}}
`, issuer.URL, tenant, mapped, at.URL)),
		[2]string{"destinations", fmt.Sprintf("  identity: [{host: 127.0.0.1, port: %s}]\n  secret: [{host: 127.0.0.1, port: %s}]", issuerPort, vaultPort)},
		[2]string{"subscriptions", fmt.Sprintf(`- {name: vaulted, scope: /apis, primaryKey: {keyVault: "%s/secrets/key"}}`, at.URL)})
	s.write(t, "cloister.yaml", config)
	return s, vault
}

func newVault(t *testing.T, at *httptest.Server, entra *emulator.Entra) *emulator.KeyVault {
	t.Helper()
	v, err := emulator.NewKeyVault(emulator.KeyVaultOptions{
		BaseURL: at.URL, Authority: entra.AuthorityHost() + tenant, VerifyToken: entra.VerifyVaultToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	v.SetSecret("key", "first-key-in-the-vault-0001", emulator.VaultAttributes{})
	if _, err := v.SetKey("state", emulator.VaultRSA, emulator.VaultAttributes{}); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVault: a secret and the state's key come from a vault; one that is
// rotated there is taken into use without a restart, and a new version of the
// state's key seals from the next rotation on.
func TestVault(t *testing.T) {
	s, vault := vaultSite(t)
	g := s.startWith(t, func(o *Options) { o.Development = true })
	if got := g.with(t, "first-key-in-the-vault-0001"); got != 200 {
		t.Fatalf("the vault's key: %d", got)
	}
	stream := g.stream(t, "first-key-in-the-vault-0001")
	vault.SetSecret("key", "second-key-in-the-vault-0002", emulator.VaultAttributes{})
	eventually(t, "the new key is taken into use", func() bool { return g.with(t, "second-key-in-the-vault-0002") == 200 })
	if got := g.with(t, "first-key-in-the-vault-0001"); got != 401 {
		t.Errorf("the old key: %d", got)
	}
	stream.ends(t, 2*time.Second)
	if _, err := vault.SetKey("state", emulator.VaultRSA, emulator.VaultAttributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.operator().RotateState(t.Context()); err != nil {
		t.Error(err)
	}
	// A vault that is down takes nothing away from who is served.
	vault.SetOutage(true)
	time.Sleep(300 * time.Millisecond)
	if got := g.with(t, "second-key-in-the-vault-0002"); got != 200 {
		t.Errorf("while the vault is down: %d", got)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Start(t.Context(), Options{Dir: s.dir, Development: true}); err == nil || !strings.Contains(err.Error(), "state.encryption.keyVault") {
		t.Errorf("a start without the vault: %v", err)
	}
	vault.SetOutage(false)
	again := s.startWith(t, func(o *Options) { o.Development = true })
	if got := again.with(t, "second-key-in-the-vault-0002"); got != 200 {
		t.Errorf("after a restart: %d", got)
	}
}
