package secret_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
)

// vaultURL is the vault of the tests. Its name is a real one, so that the SDK
// verifies challenges.
const vaultURL = "https://kv.vault.azure.net"

// hidden is the text of secrets, which stands in no error.
const hidden = "hidden-text-0123456789"

// pipes are a network of one server, in memory, so that a test's clock can
// stand still while it is used.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.ended:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// vault is an emulated vault and the way to it. It has to be made in the bubble
// of a test.
type vault struct {
	*emulator.KeyVault
	client *http.Client
	log    strings.Builder
	// answer stands before the vault; false: the vault answers.
	answer func(http.ResponseWriter, *http.Request) bool
	allow  func(action string) bool
	mu     sync.Mutex // guards hosts: requests come side by side
	hosts  []string
}

// credential is a credential of the SDK's kind.
type credential struct {
	mu     sync.Mutex
	scopes []string
	err    error
}

const goodToken = "good-token"

func (c *credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes = append(c.scopes, o.Scopes...)
	return azcore.AccessToken{Token: goodToken, ExpiresOn: time.Now().Add(time.Hour)}, c.err
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{}
	var err error
	v.KeyVault, err = emulator.NewKeyVault(emulator.KeyVaultOptions{
		BaseURL: vaultURL, Authority: "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47",
		VerifyToken: func(_ context.Context, raw string) (string, error) {
			if raw != goodToken {
				return "", errors.New("another token")
			}
			return "the-gateway", nil
		},
		Allow: func(_, action string) bool { return v.allow == nil || v.allow(action) },
	})
	if err != nil {
		t.Fatal(err)
	}
	network := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.hosts = append(v.hosts, r.Host)
		v.mu.Unlock()
		if v.answer == nil || !v.answer(w, r) {
			v.ServeHTTP(w, r)
		}
	}))
	srv.Listener.Close()
	srv.Listener = network
	srv.StartTLS()
	t.Cleanup(srv.Close)
	config := srv.Client().Transport.(*http.Transport).TLSClientConfig
	transport := &http.Transport{
		DialContext:     network.dial,
		TLSClientConfig: &tls.Config{RootCAs: config.RootCAs, ServerName: "example.com", MinVersion: tls.VersionTLS12},
	}
	t.Cleanup(transport.CloseIdleConnections) // before the server's end
	v.client = &http.Client{Transport: transport}
	return v
}

// open is one load's view of the vault.
func (v *vault) open(change ...func(*secret.VaultOptions)) *secret.Vaults {
	opt := secret.VaultOptions{
		Client: v.client, Credential: &credential{},
		Log: slog.New(slog.NewTextHandler(&v.log, nil)),
	}
	for _, c := range change {
		c(&opt)
	}
	return secret.NewVaults(opt)
}
