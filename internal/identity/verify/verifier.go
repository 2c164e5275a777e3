package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// Options of [NewTokenVerifier].
type Options struct {
	// Client gives the HTTP client of an issuer: the egress dialer's. It is
	// asked once per issuer. Required where there are issuers.
	Client func(*site.Issuer) *http.Client
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Log takes what goes wrong with key sets; nil: nothing.
	Log *slog.Logger
	// Previous is the verifier that this one replaces, if any: key sets of
	// issuers that did not change are taken over, so that a reload waits for
	// nobody and needs nobody. It is read, not closed.
	Previous *TokenVerifier
	// CacheSize bounds the verified tokens that are remembered; 0: 4096.
	CacheSize int
	// RefreshEvery is how often key sets are fetched unasked; 0: 1 h.
	RefreshEvery time.Duration
	// AskEvery is how often requests may cause a fetch, per issuer; 0: 1 min.
	AskEvery time.Duration
	// StaleAfter is how long a key set counts while fetching fails; 0: 24 h.
	StaleAfter time.Duration
}

// TokenVerifier verifies access tokens of the issuers that a site trusts. Its
// methods may be called from any goroutine.
type TokenVerifier struct {
	// issuers by exact iss.
	issuers map[string]*issuer
	now     func() time.Time
	cache   *tokenCache
	stop    context.CancelFunc
	running sync.WaitGroup
}

type issuer struct {
	cfg                   *site.Issuer
	algorithms, audiences []string
	client                *http.Client
	remote                *remoteKeys
}

// entra reports whether the rules of Entra ID's access tokens count.
func (iss *issuer) entra() bool { return iss.cfg.TokenType == "" }

// NewTokenVerifier starts to fetch the key sets of cfg's issuers and returns
// at once. Close stops it. The error is that of [Check].
func NewTokenVerifier(cfg *site.Tokens, opt Options) (*TokenVerifier, error) {
	if err := Check(cfg).Err(); err != nil {
		return nil, err
	}
	if opt.Client == nil && len(cfg.Issuers) > 0 {
		return nil, errors.New("no HTTP client for the issuers")
	}
	opt = opt.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	v := &TokenVerifier{
		issuers: make(map[string]*issuer, len(cfg.Issuers)),
		now:     opt.Now, cache: newTokenCache(opt.CacheSize), stop: stop,
	}
	for i := range cfg.Issuers {
		iss := newIssuer(cfg, &cfg.Issuers[i], opt)
		v.issuers[iss.cfg.Issuer] = iss
		v.running.Go(func() { iss.remote.run(ctx) })
	}
	return v, nil
}

func (opt Options) withDefaults() Options {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.CacheSize <= 0 {
		opt.CacheSize = 4096
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&opt.RefreshEvery, time.Hour}, {&opt.AskEvery, time.Minute}, {&opt.StaleAfter, 24 * time.Hour}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return opt
}

func newIssuer(cfg *site.Tokens, ic *site.Issuer, opt Options) *issuer {
	// A copy, so that nobody's client changes: a redirect would be a second
	// destination that no configuration names.
	client := *opt.Client(ic)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	iss := &issuer{
		cfg: ic, client: &client,
		algorithms: algorithmsOf(ic), audiences: audiencesOf(cfg, ic),
	}
	iss.remote = &remoteKeys{
		fetch: iss.fetchKeys, now: opt.Now, log: opt.Log.With("issuer", ic.Issuer),
		refreshEvery: opt.RefreshEvery, askEvery: opt.AskEvery, staleAfter: opt.StaleAfter,
		kick: make(chan struct{}, 1), unknown: make(map[string]time.Time),
	}
	if old := opt.Previous.keysOf(ic); old != nil {
		iss.remote.current.Store(old)
	} else {
		// The first requests wait for the first fetch; it is nobody's asking.
		iss.remote.round = newRound()
	}
	return iss
}

// keysOf is the key set that v has for an issuer of the same configuration.
func (v *TokenVerifier) keysOf(ic *site.Issuer) *fetched {
	if v == nil {
		return nil
	}
	old := v.issuers[ic.Issuer]
	if old == nil || old.cfg.Metadata != ic.Metadata || old.cfg.JWKSURI != ic.JWKSURI || old.cfg.CAFile != ic.CAFile {
		return nil
	}
	return old.remote.current.Load()
}

// Close stops fetching and waits for what is under way. Tokens of keys that
// are in hand still verify.
func (v *TokenVerifier) Close() {
	v.stop()
	v.running.Wait()
}

// Verify checks an access token, rows 1 to 15 of docs/tokens.md. The context
// bounds waiting for keys. The error is an [*Error].
func (v *TokenVerifier) Verify(ctx context.Context, raw string) (*Token, error) {
	if len(raw) > MaxTokenSize {
		return nil, refuse(TokenTooLarge, "the token has %d bytes", len(raw))
	}
	digest := sha256.Sum256([]byte(raw))
	if t, ok := v.cache.get(digest, v.now()); ok {
		return t, nil
	}
	t, iss, key, err := v.verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	v.cache.put(&cached{digest, t, iss, key})
	return t, nil
}

func (v *TokenVerifier) verify(ctx context.Context, raw string) (*Token, *issuer, *Key, *Error) {
	j, err := parseJWS(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	object, parseErr := parseObject(j.payload)
	if parseErr != nil {
		return nil, nil, nil, refuse(JSONRefused, "the claims: %w", parseErr)
	}
	// What the token says of its issuer is believed as far as choosing whose
	// keys it has to be signed by.
	iss, err := v.issuerOf(object)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := j.checkAlgorithm(iss.algorithms); err != nil {
		return nil, nil, nil, err
	}
	if !j.header.hasKeyID {
		return nil, nil, nil, refuse(KeyIDMissing, "the header has no kid")
	}
	key, err := iss.remote.key(ctx, j.header.keyID)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := j.checkSignature(key); err != nil {
		return nil, nil, nil, err
	}
	c := &claims{object: object}
	t, err := c.check(iss, j, key, v.now())
	if err != nil {
		return nil, nil, nil, err
	}
	return t, iss, key, nil
}

func (v *TokenVerifier) issuerOf(object *jsonValue) (*issuer, *Error) {
	name := object.get("iss")
	if name == nil || name.kind != jsonText {
		return nil, refuse(IssuerMissing, "iss is missing")
	}
	iss := v.issuers[name.text]
	if iss == nil {
		return nil, refuse(IssuerUnknown, "issuer %.200q is not trusted", name.text)
	}
	return iss, nil
}

// IssuerStatus is how an issuer's keys stand.
type IssuerStatus struct {
	Issuer string
	// Keys is the number of usable keys; 0 with a zero Fetched: none yet.
	Keys    int
	Fetched time.Time
	// Err is why the last fetch failed; nil: it did not.
	Err error
}

// Status is every issuer's, in no order.
func (v *TokenVerifier) Status() []IssuerStatus {
	out := make([]IssuerStatus, 0, len(v.issuers))
	for _, iss := range v.issuers {
		s := IssuerStatus{Issuer: iss.cfg.Issuer}
		if f := iss.remote.current.Load(); f != nil {
			s.Keys, s.Fetched = f.set.Len(), f.at
		}
		if err := iss.remote.lastErr.Load(); err != nil {
			s.Err = *err
		}
		out = append(out, s)
	}
	return out
}

func algorithmsOf(ic *site.Issuer) []string {
	if len(ic.Algorithms) == 0 {
		return []string{"RS256"}
	}
	return ic.Algorithms
}

func audiencesOf(cfg *site.Tokens, ic *site.Issuer) []string {
	if len(ic.Audiences) > 0 {
		return ic.Audiences
	}
	return cfg.Audiences
}

// metadataURL is where an issuer without a jwksUri publishes its metadata.
func metadataURL(ic *site.Issuer) string {
	if ic.Metadata != "" {
		return ic.Metadata
	}
	return fmt.Sprintf("%s/.well-known/openid-configuration", strings.TrimSuffix(ic.Issuer, "/"))
}
