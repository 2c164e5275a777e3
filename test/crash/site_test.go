//go:build linux

package crash

import (
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/testenv"
)

const passphrase = "a passphrase that only this test has"

// siteOptions are what tests want to be different.
type siteOptions struct {
	// postgres is where state lives; nil: SQLite. State in it is always sealed.
	postgres *testenv.PostgresDatabase
	// staleAfter is how long a gateway goes on without hearing from postgres; 0:
	// the product's default.
	staleAfter time.Duration
	// sealed: a key file seals the state.
	sealed bool
}

// site is one on disk.
type site struct{ dir string }

func (s site) state() string           { return filepath.Join(s.dir, "state") }
func (s site) audit() string           { return filepath.Join(s.state(), "audit") }
func (s site) file(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// newSite writes a site with one API, whose requests go to a backend of the
// test. It declares no subscription: all there are are made at the door.
func newSite(t testing.TB, opt siteOptions) site {
	t.Helper()
	backend := httptest.NewTLSServer(http.HandlerFunc(answer))
	t.Cleanup(backend.Close)
	port := backend.URL[strings.LastIndexByte(backend.URL, ':')+1:]
	// Not t.TempDir: its paths are too long for a Unix socket.
	dir, err := os.MkdirTemp("", "cloister-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := site{dir}
	program(t) // here, so that no start is measured with a build in it
	state, destination := "", ""
	if opt.postgres != nil {
		db := opt.postgres
		s.write(t, "keys/db", db.Password)
		state = fmt.Sprintf("\n  postgres: {host: %s, port: %d, database: %s, user: %s, password: {file: keys/db}, sslMode: disable}",
			db.Host, db.Port, db.Database, db.User)
		if opt.staleAfter > 0 {
			state += "\n  staleAfter: " + opt.staleAfter.String()
		}
		destination = fmt.Sprintf("\n  state: [{host: %s, port: %d}]", db.Host, db.Port)
	}
	if opt.sealed || opt.postgres != nil {
		s.write(t, "keys/passphrase", passphrase)
		if _, err := secret.CreateKeyFile(s.file("keys/state"), secret.New(passphrase), rand.Reader); err != nil {
			t.Fatal(err)
		}
		state += "\n  encryption: {keyFile: {file: keys/state, passphrase: {file: keys/passphrase}}}"
	}
	if state != "" {
		state = "state:" + state + "\n"
	}
	s.write(t, "tls/backend.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw})))
	s.write(t, "cloister.yaml", fmt.Sprintf(config, port, destination, port)+state)
	s.write(t, "apim/apis/openai/apiInformation.json", `{"properties":{"displayName":"OpenAI","path":"openai","protocols":["https"],`+
		`"serviceUrl":"`+backend.URL+`/openai","subscriptionRequired":true}}`)
	s.write(t, "apim/apis/openai/specification.yaml", specification)
	if _, err := issue.InitCA(s.file("state/ca"), issue.Options{
		Name: "crash", PermittedDNS: []string{"localhost"}, PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

const config = `name: crash
listeners: [{address: 127.0.0.1, port: 0}]
hostnames: [{name: localhost, default: true}]
health: {address: "127.0.0.1:0"}
destinations:
  model: [{host: 127.0.0.1, port: %s}]%s
backends:
  openai: {url: "https://127.0.0.1:%s/openai", caFile: tls/backend.pem, credential: {none: true}}
telemetry: {accessLog: access.log}
`

const specification = `openapi: 3.0.1
info: {title: OpenAI, version: "1"}
paths:
  /*:
    get: {operationId: get, responses: {"200": {description: ok}}}
`

func (s site) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.file(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answer is the backend: a word, or events until the caller goes away.
func answer(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		fmt.Fprint(w, "ok")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
