package emulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// The first-party application behind Azure OpenAI's data plane. Every emulated
// tenant has it; its tokens have version 1.
const (
	CognitiveServicesID  = "7d312290-28c8-473c-a0ed-8e53749b6d6d"
	CognitiveServicesURI = "https://cognitiveservices.azure.com"
)

// EntraOptions configure an emulated Entra ID tenant.
type EntraOptions struct {
	// BaseURL is where clients reach it, "https://127.0.0.1:8443": scheme and
	// host alone. Required.
	BaseURL string
	// TenantID is the tenant's GUID. Required.
	TenantID string
	// Clients may ask for tokens.
	Clients []EntraClient
	// Resources are what tokens can be asked for, besides Cognitive Services.
	Resources []EntraResource
	// Lifetime of tokens; 0: one hour. It is at most 24 hours.
	Lifetime time.Duration
	// Key signs; nil: one is made. With a key that was kept, tokens outlive a
	// restart.
	Key *rsa.PrivateKey
	// Now and Rand default to time.Now and crypto/rand. Rand has to be safe for
	// concurrent use; keys and signatures draw on crypto/rand all the same.
	Now  func() time.Time
	Rand io.Reader
}

// EntraClient is an application with a service principal in the tenant.
type EntraClient struct {
	// ID is the application (client) id.
	ID string
	// ObjectID of its service principal; empty: derived from ID.
	ObjectID string
	// Secrets are all valid, as in Entra ID.
	Secrets []secret.Value
	// Roles are the application roles it is assigned, by the resource's ID.
	Roles map[string][]string
}

// EntraResource is an application that tokens are for.
type EntraResource struct {
	// ID is the application (client) id: the audience of version 2 tokens.
	ID string
	// URIs are its application ID URIs. api://ID always works.
	URIs []string
	// Version is requestedAccessTokenVersion, 1 or 2; 0 is 1, as null is in a
	// manifest. It decides alone: the endpoint that was asked does not.
	Version int
	// AssignmentRequired refuses clients without a role.
	AssignmentRequired bool
}

// Entra is an emulated Entra ID tenant. It is safe for concurrent use.
type Entra struct {
	opt       EntraOptions
	host      string
	clients   map[string]*EntraClient
	resources []EntraResource
	keys      signingKeys

	outage             atomic.Bool
	issued, keyFetches atomic.Int64
}

const maxTokenLifetime = 24 * time.Hour

// NewEntra returns an emulated tenant. Where opt has no Key it makes one, which
// takes a moment. It fails where opt is not in order.
func NewEntra(opt EntraOptions) (*Entra, error) {
	u, err := url.Parse(opt.BaseURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("emulator: base URL %q is not https://HOST: the SDKs refuse an authority without TLS", opt.BaseURL)
	}
	opt.BaseURL = "https://" + u.Host
	if opt.TenantID = strings.ToLower(opt.TenantID); !isGUID(opt.TenantID) {
		return nil, fmt.Errorf("emulator: tenant id %q is not a GUID", opt.TenantID)
	}
	if opt.Lifetime == 0 {
		opt.Lifetime = time.Hour
	}
	if opt.Lifetime < time.Second || opt.Lifetime > maxTokenLifetime {
		return nil, fmt.Errorf("emulator: a token lifetime of %v is not from 1 s to 24 h", opt.Lifetime)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	e := &Entra{opt: opt, host: u.Host, clients: map[string]*EntraClient{}}
	if err := e.register(); err != nil {
		return nil, err
	}
	if err := e.keys.add(opt.Key); err != nil {
		return nil, err
	}
	return e, nil
}

// register takes the options' applications.
func (e *Entra) register() error {
	for _, c := range e.opt.Clients {
		c.ID = strings.ToLower(c.ID)
		if !isGUID(c.ID) || e.clients[c.ID] != nil {
			return fmt.Errorf("emulator: client id %q is not a GUID, or comes twice", c.ID)
		}
		if c.ObjectID == "" {
			c.ObjectID = derivedGUID("service principal", c.ID)
		}
		e.clients[c.ID] = &c
	}
	e.resources = append(e.resources, EntraResource{ID: CognitiveServicesID, URIs: []string{CognitiveServicesURI}})
	for _, r := range e.opt.Resources {
		if r.ID = strings.ToLower(r.ID); !isGUID(r.ID) {
			return fmt.Errorf("emulator: resource id %q is not a GUID", r.ID)
		}
		if r.Version < 0 || r.Version > 2 {
			return errors.New("emulator: there are token versions 1 and 2")
		}
		e.resources = append(e.resources, r)
	}
	return nil
}

// AuthorityHost is the SDKs' AZURE_AUTHORITY_HOST.
func (e *Entra) AuthorityHost() string { return e.opt.BaseURL + "/" }

// TenantID is the tenant's GUID.
func (e *Entra) TenantID() string { return e.opt.TenantID }

// Issuer is "iss" of tokens of a version, 1 or 2. It carries [Marker], and
// "/.well-known/openid-configuration" below it is its metadata.
func (e *Entra) Issuer(version int) string {
	if version == 2 {
		return e.opt.BaseURL + "/" + Marker + "/" + e.opt.TenantID + "/v2.0"
	}
	return e.opt.BaseURL + "/" + Marker + "/" + e.opt.TenantID + "/"
}

// ObjectID is the object id of a client's service principal; empty where there
// is no such client.
func (e *Entra) ObjectID(clientID string) string {
	if c := e.clients[strings.ToLower(clientID)]; c != nil {
		return c.ObjectID
	}
	return ""
}

// Rotate begins to sign with a new key. The one before stays published, those
// before it do not.
func (e *Entra) Rotate() error { return e.keys.add(nil) }

// SetOutage makes every request fail with 503, or ends that.
func (e *Entra) SetOutage(on bool) { e.outage.Store(on) }

// Issued returns how many tokens were given out by the token endpoints.
func (e *Entra) Issued() int64 { return e.issued.Load() }

// KeyFetches returns how often the key set was fetched.
func (e *Entra) KeyFetches() int64 { return e.keyFetches.Load() }

// ServeHTTP answers below /{tenant} and, as the issuers' paths have it, below
// /cloister-emulator/{tenant}.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Client-Request-Id")
	if id == "" || len(id) > 64 {
		id = newUUID(e.opt.Rand)
	}
	t := &tokenCall{e: e, w: w, r: r, correlation: id}
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("Client-Request-Id", id)
	h.Set("X-Ms-Request-Id", newUUID(e.opt.Rand))
	if e.outage.Load() {
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/"+Marker)
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	e.route(t, tenant, strings.TrimPrefix(rest, "/"))
}

func (e *Entra) route(t *tokenCall, tenant, rest string) {
	method := http.MethodGet
	var serve func()
	switch rest {
	case "v2.0/.well-known/openid-configuration":
		serve = func() { e.discovery(t, 2) }
	case ".well-known/openid-configuration":
		serve = func() { e.discovery(t, 1) }
	case "discovery/v2.0/keys":
		serve = func() { e.keySet(t, 2) }
	case "discovery/keys":
		serve = func() { e.keySet(t, 1) }
	case "discovery/instance":
		serve = func() { e.instance(t) }
	case "oauth2/v2.0/token":
		method, serve = http.MethodPost, func() { t.token(2) }
	case "oauth2/token":
		method, serve = http.MethodPost, func() { t.token(1) }
	default:
		http.NotFound(t.w, t.r)
		return
	}
	if t.r.Method != method {
		t.w.Header().Set("Allow", method)
		http.Error(t.w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	if !strings.EqualFold(tenant, e.opt.TenantID) && tenant != "common" && tenant != "organizations" {
		t.fail(errTenant(tenant))
		return
	}
	serve()
}

// derivedGUID makes an id of what it is for and of another id.
func derivedGUID(what, of string) string {
	sum := sha256.Sum256([]byte(Marker + " " + what + " " + of))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
