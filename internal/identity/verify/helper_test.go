package verify

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

const (
	testTenant   = "11111111-2222-3333-4444-555555555555"
	testIssuer   = "https://login.example/" + testTenant + "/v2.0"
	testAudience = "api://cloister"
	testClient   = "aaaaaaaa-0000-0000-0000-000000000001"
	testObject   = "bbbbbbbb-0000-0000-0000-000000000002"
)

// testKey is a key pair of an issuer.
type testKey struct {
	id, alg string
	private crypto.Signer
	// jwk is what the issuer publishes.
	jwk map[string]any
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// newKey makes a key that signs by alg.
func newKey(t testing.TB, id, alg string) *testKey {
	t.Helper()
	k := &testKey{id: id, alg: alg}
	var err error
	switch a, _ := lookupAlgorithm(alg); a.family {
	case familyECDSA:
		k.private, err = ecdsa.GenerateKey(a.curve, rand.Reader)
	case familyEdDSA:
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	k.jwk = publicJWK(k.private.Public())
	k.jwk["kid"], k.jwk["use"] = id, "sig"
	return k
}

func publicJWK(public crypto.PublicKey) map[string]any {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(p.N.Bytes()), "e": b64(big.NewInt(int64(p.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			panic(err)
		}
		half := (len(point) - 1) / 2
		return map[string]any{
			"kty": "EC", "crv": p.Curve.Params().Name,
			"x": b64(point[1 : 1+half]), "y": b64(point[1+half:]),
		}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(p)}
	}
	panic("unknown key")
}

// signAs signs message by the named algorithm.
func (k *testKey) signAs(t testing.TB, alg string, message []byte) []byte {
	t.Helper()
	a, known := lookupAlgorithm(alg)
	if !known {
		return []byte("no signature")
	}
	var sig []byte
	var err error
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		if a.family == familyPSS {
			sig, err = rsa.SignPSS(rand.Reader, p, a.hash, a.digest(message), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, p, a.hash, a.digest(message))
		}
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, p, a.digest(message))
		if err == nil {
			size := (p.Curve.Params().BitSize + 7) / 8
			sig = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(p, message)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// compact signs header and payload as they stand.
func (k *testKey) compact(t testing.TB, header, payload []byte) string {
	t.Helper()
	var h struct{ Alg string }
	alg := k.alg
	if json.Unmarshal(header, &h) == nil {
		if _, known := lookupAlgorithm(h.Alg); known {
			alg = h.Alg
		}
	}
	if a, _ := lookupAlgorithm(alg); !a.fits(k.private.Public()) {
		alg = k.alg
	}
	signed := b64(header) + "." + b64(payload)
	return signed + "." + b64(k.signAs(t, alg, []byte(signed)))
}

type object = map[string]any

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// token is a good v2 token of Entra ID, changed by the given members; nil
// takes one away.
func (k *testKey) token(t testing.TB, now time.Time, header, claims object) string {
	t.Helper()
	return k.compact(t, encode(t, merge(object{"alg": k.alg, "kid": k.id, "typ": "JWT"}, header)),
		encode(t, merge(goodClaims(now), claims)))
}

func goodClaims(now time.Time) object {
	return object{
		"iss": testIssuer, "aud": testAudience, "tid": testTenant,
		"sub": "subject", "oid": testObject, "azp": testClient,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"roles": []string{"Model.Invoke"}, "ver": "2.0", "uti": "id-1",
	}
}

func merge(base, change object) object {
	out := maps.Clone(base)
	for name, v := range change {
		if v == nil {
			delete(out, name)
		} else {
			out[name] = v
		}
	}
	return out
}

// fakeIssuer answers metadata and key set without a network, so that tests
// can hold time.
type fakeIssuer struct {
	mu       sync.Mutex // guards the fields below
	keys     []any
	body     []byte // instead of the key set
	metadata []byte
	status   int
	err      error
	wait     time.Duration
	fetches  int
	paths    []string
	header   http.Header
}

func (f *fakeIssuer) publish(keys ...*testKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = []any{}
	for _, k := range keys {
		f.keys = append(f.keys, k.jwk)
	}
}

func (f *fakeIssuer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// count is how often the key set was fetched.
func (f *fakeIssuer) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetches
}

func (f *fakeIssuer) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	wait := f.wait
	f.paths = append(f.paths, req.URL.String())
	f.mu.Unlock()
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		f.fetches++
		return nil, f.err
	}
	resp := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: f.header, Request: req}
	if f.status != 0 {
		resp.StatusCode, resp.Status = f.status, http.StatusText(f.status)
	}
	var body []byte
	switch {
	case strings.HasSuffix(req.URL.Path, "/openid-configuration"):
		body = f.metadata
		if body == nil {
			body = []byte(`{"issuer":"` + testIssuer + `","jwks_uri":"https://login.example/keys"}`)
		}
	default:
		f.fetches++
		body = f.body
		if body == nil {
			var err error
			if body, err = json.Marshal(object{"keys": f.keys}); err != nil {
				return nil, err
			}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func testConfig() *site.Tokens {
	return &site.Tokens{
		Audiences: []string{testAudience},
		Issuers:   []site.Issuer{{Issuer: testIssuer, Algorithms: Algorithms()}},
	}
}

func newVerifier(t testing.TB, f *fakeIssuer, cfg *site.Tokens, opt Options) *TokenVerifier {
	t.Helper()
	opt.Client = func(*site.Issuer) *http.Client { return &http.Client{Transport: f} }
	v, err := NewTokenVerifier(cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// wantCode verifies raw and wants it refused for that reason.
func wantCode(t testing.TB, v *TokenVerifier, raw string, want Code) {
	t.Helper()
	tok, err := v.Verify(context.Background(), raw)
	var typed *Error
	if !errors.As(err, &typed) || tok != nil {
		t.Errorf("accepted, or not an *Error (%v); want %s", err, want)
		return
	}
	if typed.Code != want {
		t.Errorf("refused for %s (%v), want %s", typed.Code, typed.Cause, want)
	}
}

func wantGood(t testing.TB, v *TokenVerifier, raw string) *Token {
	t.Helper()
	tok, err := v.Verify(context.Background(), raw)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return tok
}
