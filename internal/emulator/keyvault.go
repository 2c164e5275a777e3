package emulator

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The first-party application behind Key Vault. A tenant whose tokens a vault
// takes has it among its resources, see [KeyVaultResource].
const (
	KeyVaultID  = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
	KeyVaultURI = "https://vault.azure.net"
)

// KeyVaultResource is Key Vault as a resource of a tenant.
func KeyVaultResource() EntraResource {
	return EntraResource{ID: KeyVaultID, URIs: []string{KeyVaultURI}}
}

// KeyVaultOptions configure an emulated Key Vault.
type KeyVaultOptions struct {
	// BaseURL is where clients reach it, "https://kv.vault.azure.net": scheme
	// and host alone. It stands in every identifier. Required.
	BaseURL string
	// Authority stands in challenges: "https://login.microsoftonline.com/TENANT".
	Authority string
	// Resource stands in challenges. Default: [KeyVaultURI].
	Resource string
	// VerifyToken is asked for every request that shows a token. It returns the
	// caller's object id. See [Entra.VerifyVaultToken]. Nil: no token is good.
	VerifyToken func(ctx context.Context, raw string) (objectID string, err error)
	// Allow says whether a caller may act: secrets/get, keys/read, keys/wrap,
	// keys/unwrap. Nil: all who show a good token may.
	Allow func(objectID, action string) bool
	// Now and Rand default to time.Now and crypto/rand; keys draw on crypto/rand
	// all the same.
	Now  func() time.Time
	Rand io.Reader
}

// KeyVault is an emulated vault: what a client reads and uses of the published
// REST description (Azure/azure-rest-api-specs, data-plane), that is secrets
// get, keys get, wrapKey and unwrapKey. Its content is made by its methods,
// not over the wire. It is safe for concurrent use.
type KeyVault struct {
	opt      KeyVaultOptions
	mu       sync.Mutex // guards the rest of this group
	secrets  map[string]*vaultSecret
	keys     map[string]*vaultKey
	throttle int
	wait     time.Duration
	delay    time.Duration

	outage   atomic.Bool
	requests atomic.Int64
}

// NewKeyVault returns an empty vault. It fails where opt is not in order.
func NewKeyVault(opt KeyVaultOptions) (*KeyVault, error) {
	u, err := url.Parse(opt.BaseURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("emulator: base URL %q is not https://HOST", opt.BaseURL)
	}
	opt.BaseURL = "https://" + u.Host
	if opt.Resource == "" {
		opt.Resource = KeyVaultURI
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	return &KeyVault{opt: opt, secrets: map[string]*vaultSecret{}, keys: map[string]*vaultKey{}}, nil
}

// SetOutage makes every request fail with 503, or ends that.
func (v *KeyVault) SetOutage(on bool) { v.outage.Store(on) }

// Throttle answers the next n requests with 429 and a Retry-After of wait, in
// whole seconds.
func (v *KeyVault) Throttle(n int, wait time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.throttle, v.wait = n, wait
}

// SetDelay holds every answer back.
func (v *KeyVault) SetDelay(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.delay = d
}

// Requests is how many requests there were, challenges and refusals included.
func (v *KeyVault) Requests() int64 { return v.requests.Load() }

// vaultCall is one request.
type vaultCall struct {
	v    *KeyVault
	w    http.ResponseWriter
	r    *http.Request
	kind string // "secrets" or "keys"
	name string
	// version is empty where the request names none.
	version string
	// operation is "wrapkey", "unwrapkey" or empty.
	operation string
}

// ServeHTTP answers as the service does; what a [KeyVault] has not is 404.
func (v *KeyVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.requests.Add(1)
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000;includeSubDomains")
	h.Set("X-Ms-Request-Id", newUUID(v.opt.Rand))
	h.Set("X-Ms-Keyvault-Region", Marker)
	if err := v.trouble(r.Context()); err != nil {
		failVault(w, err)
		return
	}
	c := &vaultCall{v: v, w: w, r: r}
	answer, err := c.serve()
	if err != nil {
		failVault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// trouble is what a test asked for.
func (v *KeyVault) trouble(ctx context.Context) *vaultError {
	v.mu.Lock()
	delay, wait, throttled := v.delay, v.wait, v.throttle > 0
	if throttled {
		v.throttle--
	}
	v.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	switch {
	case v.outage.Load():
		return &vaultError{status: http.StatusServiceUnavailable, code: "ServiceUnavailable", message: "Service Unavailable"}
	case throttled:
		return errVaultThrottled(wait)
	}
	return nil
}

// serve goes the service's way: first who, then what, then whether.
func (c *vaultCall) serve() (any, *vaultError) {
	who, err := c.authenticate()
	if err != nil {
		return nil, err
	}
	if c.r.URL.Query().Get("api-version") == "" {
		return nil, errVaultParameter("api-version must be specified")
	}
	if err := c.route(); err != nil {
		return nil, err
	}
	action := map[string]string{"": "keys/read", "wrapkey": "keys/wrap", "unwrapkey": "keys/unwrap"}[c.operation]
	if c.kind == "secrets" {
		action = "secrets/get"
	}
	if c.v.opt.Allow != nil && !c.v.opt.Allow(who, action) {
		return nil, errVaultRBAC(who, action, c)
	}
	switch {
	case c.kind == "secrets":
		return c.v.getSecret(c.name, c.version)
	case c.operation == "":
		return c.v.getKey(c.name, c.version)
	}
	return c.operate()
}

// route reads /KIND/NAME[/VERSION[/OPERATION]].
func (c *vaultCall) route() *vaultError {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	if len(parts) < 2 || len(parts) > 4 || parts[0] != "secrets" && parts[0] != "keys" {
		return errVaultRoute(c.r)
	}
	c.kind, c.name = parts[0], parts[1]
	if len(parts) > 2 {
		c.version = parts[2]
	}
	method := http.MethodGet
	if len(parts) == 4 {
		c.operation, method = strings.ToLower(parts[3]), http.MethodPost
		if c.kind != "keys" || c.operation != "wrapkey" && c.operation != "unwrapkey" {
			return errVaultRoute(c.r)
		}
	}
	if c.r.Method != method {
		return errVaultRoute(c.r)
	}
	return nil
}
