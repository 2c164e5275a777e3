package request

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
)

// Jwt is the content of a token. Nothing about it is verified.
type Jwt struct {
	Algorithm, TokenType, ID, Issuer, Subject clr.Value
	Audiences                                 []string
	ExpirationTime, IssuedAt, NotBefore       clr.Value
	claims                                    valuesObject
}

// Type is Jwt.
func (*Jwt) Type() *clr.Type { return jwtType }

func tokenMembers() funcs {
	return funcs{
		"Jwt.Algorithm":      of(func(j *Jwt) clr.Value { return j.Algorithm }),
		"Jwt.Type":           of(func(j *Jwt) clr.Value { return j.TokenType }),
		"Jwt.Id":             of(func(j *Jwt) clr.Value { return j.ID }),
		"Jwt.Issuer":         of(func(j *Jwt) clr.Value { return j.Issuer }),
		"Jwt.Subject":        of(func(j *Jwt) clr.Value { return j.Subject }),
		"Jwt.ExpirationTime": of(func(j *Jwt) clr.Value { return j.ExpirationTime }),
		"Jwt.IssuedAt":       of(func(j *Jwt) clr.Value { return j.IssuedAt }),
		"Jwt.NotBefore":      of(func(j *Jwt) clr.Value { return j.NotBefore }),
		"Jwt.Claims":         of(func(j *Jwt) clr.Value { return clr.Obj(&j.claims) }),
		"Jwt.Audiences":      func(c *clr.Call) clr.Value { return stringsValue(c.Thread, c.Args[0].O.(*Jwt).Audiences) },

		"BasicAuthCredentials.UserId":   of(func(b *basic) clr.Value { return clr.Str(b.user) }),
		"BasicAuthCredentials.Password": of(func(b *basic) clr.Value { return clr.Str(b.password) }),

		"Authorization.AccessToken": of(func(a *Authorization) clr.Value { return clr.Str(a.AccessToken) }),
		"Authorization.Claims": of(func(a *Authorization) clr.Value {
			if a.claims == nil {
				a.claims = &variablesObject{a.Claims}
			}
			return clr.Obj(a.claims)
		}),
	}
}

// Authorization is what get-authorization-context puts into a variable.
type Authorization struct {
	AccessToken string
	Claims      Variables
	claims      *variablesObject
}

// Type is Authorization.
func (*Authorization) Type() *clr.Type { return authorization }

// ParseJwt reads a token: three parts, of which two are JSON objects in
// base64url; nil: it is none.
func ParseJwt(t *clr.Thread, s string) *Jwt {
	t.Work(len(s) / 16)
	t.Allocate(2 * len(s))
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return nil
	}
	header, payload := tokenPart(t, parts[0]), tokenPart(t, parts[1])
	if header == nil || payload == nil {
		return nil
	}
	j := &Jwt{}
	claims := &valueList{exact: true}
	for _, p := range payload.Properties() {
		claims.names = append(claims.names, p.Name)
		claims.values = append(claims.values, claimValues(t, p.Value()))
	}
	j.claims.of = claims
	j.Audiences, _ = claims.Get("aud")
	ok := true
	str := func(o *json.Object, name string) clr.Value {
		v, good := stringClaim(t, o, name)
		ok = ok && good
		return v
	}
	j.Algorithm, j.TokenType = str(header, "alg"), str(header, "typ")
	j.ID, j.Issuer, j.Subject = str(payload, "jti"), str(payload, "iss"), str(payload, "sub")
	if !ok {
		return nil
	}
	j.ExpirationTime, j.IssuedAt, j.NotBefore = timeClaim(payload, "exp"), timeClaim(payload, "iat"), timeClaim(payload, "nbf")
	return j
}

func tokenPart(t *clr.Thread, s string) *json.Object {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "="))
	if err != nil || !utf8.Valid(b) {
		return nil
	}
	k, thrown := json.ParseText(t, string(b))
	if thrown != nil {
		return nil
	}
	o, _ := k.(*json.Object)
	return o
}

// claimValues are the values of a claim: those of an array, or one; what is no
// string is written as JSON.
func claimValues(t *clr.Thread, k json.Token) []string {
	a, ok := k.(*json.Array)
	if !ok {
		return []string{claimText(t, k)}
	}
	out := make([]string, 0, a.Len())
	for _, k := range a.Items() {
		out = append(out, claimText(t, k))
	}
	return out
}

func claimText(t *clr.Thread, k json.Token) string {
	if v, ok := k.(*json.Value); ok && v.Kind() == json.KindString {
		return v.V.S
	}
	return json.Text(t, k, false)
}

// stringClaim is (string)o[name]; false: it is an array or an object.
func stringClaim(t *clr.Thread, o *json.Object, name string) (clr.Value, bool) {
	p := o.Property(name)
	if p == nil {
		return clr.Null, true
	}
	switch k := p.Value(); k.Kind() {
	case json.KindNull:
		return clr.Null, true
	case json.KindObject, json.KindArray:
		return clr.Null, false
	case json.KindBoolean:
		return clr.Str(strings.ToUpper(json.Text(t, k, false)[:1]) + json.Text(t, k, false)[1:]), true
	default:
		return clr.Str(claimText(t, k)), true
	}
}

func timeClaim(o *json.Object, name string) clr.Value {
	p := o.Property(name)
	if p == nil {
		return clr.Null
	}
	k, ok := p.Value().(*json.Value)
	if !ok {
		return clr.Null
	}
	var s float64
	switch k.V.Type() {
	case clr.Int64:
		s = float64(k.V.Int())
	case clr.Double:
		s = k.V.Float()
	default:
		return clr.Null
	}
	v, _ := seconds(s)
	return v
}

// basic is BasicAuthCredentials.
type basic struct{ user, password string }

func (*basic) Type() *clr.Type { return basicType }

// parseBasic reads "Basic" and base64 of user:password in UTF-8; nil: it is
// none.
func parseBasic(t *clr.Thread, s string) *basic {
	t.Allocate(2 * len(s))
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.Map(noSpace, rest))
	if err != nil || !utf8.Valid(b) {
		return nil
	}
	user, password, ok := strings.Cut(string(b), ":")
	if !ok {
		return nil
	}
	return &basic{user, password}
}

// noSpace drops what .NET's reader of base64 passes over.
func noSpace(r rune) rune {
	if strings.ContainsRune(" \t\r\n", r) {
		return -1
	}
	return r
}
