package policy

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
)

// tokenKeys are the keys of the issuers of fixtures, by kid. "rsa", "pss" and
// "ec" are published by every issuer but second.example, which publishes
// "second"; "stranger" is nobody's. "secret" is a symmetric one, 32 bytes of 's'.
var tokenKeys = sync.OnceValue(func() map[string]crypto.PrivateKey {
	keys := map[string]crypto.PrivateKey{"secret": bytes.Repeat([]byte{'s'}, 32)}
	for _, id := range []string{"rsa", "second", "stranger"} {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[id] = k
	}
	keys["pss"] = keys["rsa"]
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	keys["ec"] = k
	return keys
})

func tokenMethod(key string) jwt.SigningMethod {
	switch key {
	case "secret":
		return jwt.SigningMethodHS256
	case "pss":
		return jwt.SigningMethodPS256
	case "ec":
		return jwt.SigningMethodES256
	}
	return jwt.SigningMethodRS256
}

// fixtureTokens are the tokens of the file "tokens" of a fixture. A line is
// "NAME KEY [HEADER] CLAIMS": the key that signs, members of the header beside
// alg and kid, where null takes one away, and the claims, in which times are
// relative to the clock: "exp": "+1h". A claim that is one text is written as it
// stands. "$NAME;" stands for the token in requests and results.
func (f fixture) fixtureTokens(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(f.files["tokens"]) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		key, objects, ok := strings.Cut(rest, " ")
		if !ok {
			continue
		}
		out["$"+name] = mintToken(t, key, objects)
	}
	return out
}

func mintToken(t testing.TB, key, objects string) string {
	t.Helper()
	method := tokenMethod(key)
	token := jwt.NewWithClaims(method, jwt.MapClaims{})
	token.Header["kid"] = key
	dec := json.NewDecoder(strings.NewReader(objects))
	dec.UseNumber()
	var parts []map[string]any
	for {
		var m map[string]any
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("token %s: %v", objects, err)
		}
		parts = append(parts, m)
	}
	if len(parts) == 2 {
		for name, v := range parts[0] {
			if token.Header[name] = v; v == nil {
				delete(token.Header, name)
			}
		}
	}
	claims := parts[len(parts)-1]
	for _, name := range []string{"exp", "nbf", "iat"} {
		if s, ok := claims[name].(string); ok {
			d, err := time.ParseDuration(s)
			if err != nil {
				t.Fatal(err)
			}
			claims[name] = begun.Add(d).Unix()
		}
	}
	token.Claims = jwt.MapClaims(claims)
	if token.Header["alg"] == "none" {
		s, err := token.SigningString()
		if err != nil {
			t.Fatal(err)
		}
		return s + "."
	}
	s, err := token.SignedString(tokenKeys()[key])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// issuers answer for every host of a fixture: with a configuration whose issuer
// is its URL without the ending, and with the keys. Those of Entra ID have its
// issuers. down.example cannot be reached, unlisted.example is refused.
type issuers struct{}

func (issuers) RoundTrip(r *http.Request) (*http.Response, error) {
	const ending = "/.well-known/openid-configuration"
	u := *r.URL
	switch u.Hostname() {
	case "down.example":
		return nil, errors.New("connection refused")
	case "unlisted.example":
		return nil, &egress.RefusedError{Class: egress.Identity, Host: u.Host, Code: "not-listed"}
	}
	var body any
	if issuer, ok := strings.CutSuffix(u.String(), ending); ok {
		if u.Host == "login.microsoftonline.com" && !strings.HasSuffix(issuer, "/v2.0") {
			issuer = "https://sts.windows.net" + u.Path[:len(u.Path)-len(ending)] + "/"
		}
		for _, all := range []string{"/organizations", "/common"} {
			issuer = strings.Replace(issuer, all, "/{tenantid}", 1)
		}
		body = map[string]string{"issuer": issuer, "jwks_uri": "https://" + u.Host + "/keys"}
	} else {
		body = map[string]any{"keys": publishedKeys(u.Host)}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

func publishedKeys(host string) []map[string]string {
	ids := []string{"rsa", "pss", "ec"}
	if host == "second.example" {
		ids = []string{"second"}
	}
	b64 := base64.RawURLEncoding.EncodeToString
	var out []map[string]string
	for _, id := range ids {
		switch k := tokenKeys()[id].(type) {
		case *rsa.PrivateKey:
			out = append(out, map[string]string{"kid": id, "kty": "RSA", "use": "sig", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())})
		case *ecdsa.PrivateKey:
			p, err := k.PublicKey.Bytes()
			if err != nil {
				panic(err)
			}
			out = append(out, map[string]string{"kid": id, "kty": "EC", "crv": "P-256", "use": "sig", "x": b64(p[1:33]), "y": b64(p[33:])})
		}
	}
	return out
}

// identify gives a fixture's surroundings what identifies. Managed identities
// obtain tokens for every resource but those at denied.example; the connections
// of the credential manager are lines "PROVIDER/ID TOKEN" of the file
// "authorizations".
func (s *surroundings) identify(t testing.TB, f fixture) {
	if s.KeySets != nil {
		return
	}
	sets := verify.NewKeySets(verify.KeySetOptions{
		Client: func(string) *http.Client { return &http.Client{Transport: issuers{}} }, Now: s.Services.Now,
	})
	t.Cleanup(sets.Close)
	s.KeySets = sets
	s.Identities = managedIdentities{s.Services.Now}
	if text, ok := f.files["authorizations"]; ok {
		s.Authorizations = connections(text)
	}
}

type managedIdentities struct{ now func() time.Time }

func (m managedIdentities) ManagedIdentity(_ context.Context, resource, client string) (secret.Value, time.Time, error) {
	if strings.Contains(resource, "denied.example") {
		return secret.Value{}, time.Time{}, errors.New("the authority gives no token")
	}
	token := "mi(" + resource
	if client != "" {
		token += " as " + client
	}
	return secret.New(token + ")"), m.now().Add(time.Hour), nil
}

type connections string

func (c connections) Authorization(_ context.Context, r AuthorizationRequest) (Authorization, error) {
	for line := range strings.Lines(string(c)) {
		id, token, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id == r.Provider+"/"+r.Authorization {
			if v := r.Identity.Reveal(); v != "" {
				token += " for " + v
			}
			return Authorization{AccessToken: secret.New(token)}, nil
		}
	}
	return Authorization{}, errors.New("there is no such connection")
}

// hear writes down what a request tells of its caller.
func (s *surroundings) hear(x *Exchange) {
	x.Presented = func(token string) { fmt.Fprintf(&s.did, "presented %s\n", token) }
	x.Vouched = func(_ context.Context, v Vouched) {
		if v.Certificate {
			fmt.Fprintln(&s.did, "vouched for the certificate")
			return
		}
		fmt.Fprintf(&s.did, "vouched for %s\n", v.Token)
	}
	x.Minted = func(token secret.Value, resource string, _ time.Time) {
		fmt.Fprintf(&s.did, "minted %s for %s\n", token.Reveal(), resource)
	}
}
