package policy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// mostTokenKeys bounds the keys and configurations of one policy: each may cost
// a signature.
const mostTokenKeys = 16

// longestSkew bounds clock-skew, in seconds.
const longestSkew = 24 * 3600

func validateJWTEntry() entry {
	return entry{
		name: "validate-jwt", sections: inOnly, scopes: everyScope,
		does: "a JSON web token",
		tier: tierA, page: page{
			intro: "Verifies a JSON web token, and refuses requests that have none or another one.",
			example: `
<validate-jwt header-name="Authorization" require-scheme="Bearer" output-token-variable-name="jwt">
  <openid-config url="https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration" />
  <audiences>
    <audience>api://contoso-gateway</audience>
  </audiences>
  <required-claims>
    <claim name="roles" match="any">
      <value>Model.Invoke</value>
      <value>Model.Manage</value>
    </claim>
  </required-claims>
</validate-jwt>
<set-header name="X-User" exists-action="override">
  <value>@(((Jwt)context.Variables["jwt"]).Subject)</value>
</set-header>`,
			behaviour: append([]string{
				"In a header the token may stand behind a scheme. With `require-scheme` it has to in `Authorization`; in other headers the attribute has no effect.",
				"A key of `issuer-signing-keys` is symmetric (base64, for HS256, HS384 and HS512), the public key of a certificate of the site, or an RSA key by `n` and `e`. One with `id` is for tokens of that `kid` alone, or without one; the others are tried one after the other. They come before the key sets of `openid-config`, for which a token has to have a `kid`.",
				"The issuer has to be one of `issuers`, or the one of the configuration whose key signed. A key of one configuration never signs for the issuer of another, and one of `issuer-signing-keys` beside `openid-config` only for `issuers`. Where there are neither `issuers` nor `openid-config`, the issuer is not looked at.",
				"`clock-skew` is in seconds, or a time span such as `00:05:00`. It is 0 by default.",
			}, tokenBehaviour()...),
			differences: []string{
				"`require-signed-tokens=\"false\"` is an error when the site is loaded: whoever can write JSON could be anybody. `require-expiration-time=\"false\"` is followed here; such a token makes no caller at the gate.",
				"`decryption-keys` are refused when the site is loaded: encrypted tokens are not read.",
				"Symmetric keys have 32 bytes at least, RSA keys 2048 bits.",
				"A token that was sent more than once is refused, as are `crit`, `b64` and `zip` in its header, a `typ` that is neither `JWT` nor `at+jwt`, and tokens with `cnf`.",
				"At most 16 keys and 16 configurations.",
				"What an error says beside its reason is the gateway's own text.",
			},
			errors: tokenErrors(),
		},
		attributes: append(tokenAttributes(),
			attribute{name: "require-expiration-time", expected: "true or false", otherwise: "true", expression: true},
			attribute{name: "require-scheme", expected: "a scheme, such as Bearer", expression: true},
			attribute{name: "require-signed-tokens", expected: "true", otherwise: "true", expression: true},
			attribute{name: "clock-skew", expected: "seconds or a time span", otherwise: "0", expression: true},
		),
		children: []child{
			{
				name: "openid-config", many: true, expected: "an OpenID configuration",
				attributes: []attribute{{name: "url", required: true, expected: "its https URL", expression: true}},
			},
			{name: "issuer-signing-keys", expected: "<key> elements", children: []child{tokenKey()}},
			{name: "decryption-keys", expected: "<key> elements", children: []child{tokenKey()}},
			{name: "audiences", expected: "<audience> elements", children: []child{
				{name: "audience", required: true, many: true, expected: "an audience that is accepted", text: hasText, expression: true},
			}},
			{name: "issuers", expected: "<issuer> elements", children: []child{
				{name: "issuer", required: true, many: true, expected: "an issuer that is accepted", text: hasText, expression: true},
			}},
			requiredClaims(),
		},
		compile: compileValidateJWT,
	}
}

// tokenKey is the element key.
func tokenKey() child {
	return child{
		name: "key", required: true, many: true, expected: "a key in base64, or in its attributes", text: hasText, expression: true,
		attributes: []attribute{
			{name: "certificate-id", expected: "a certificate of the site"},
			{name: "n", expected: "the modulus of an RSA key, in base64url"},
			{name: "e", expected: "its exponent, in base64url"},
		},
	}
}

type validateJWT struct {
	tokenSource
	configs []textValue
	// keys are those that are written; computed have an expression.
	keys          []*verify.LocalKey
	computed      []computedKey
	audiences     []textValue
	issuers       []textValue
	claims        []requiredClaim
	requireExpiry boolValue
	requireSigned boolValue
	skew          textValue
	// tenant is for tokens of Entra ID.
	tenant bool
	// uses are the configurations that are written.
	uses []ConfigurationUse
}

// computedKey is a symmetric key that an expression gives.
type computedKey struct {
	id   string
	text textValue
}

// ConfigurationUse is a place where a document names an OpenID configuration.
type ConfigurationUse struct {
	URL string
	Pos site.Pos
	// Secret: it holds the value of a secret named value.
	Secret bool
}

// Configurations are the OpenID configurations that policies name and documents
// hold.
func (p *Pipeline) Configurations() []ConfigurationUse {
	var out []ConfigurationUse
	for _, steps := range p.steps {
		eachStep(steps, func(s *step) {
			if k, ok := s.statement.(interface{ configurations() []ConfigurationUse }); ok {
				out = append(out, k.configurations()...)
			}
		})
	}
	return out
}

func compileValidateJWT(c *compiler, n *Node) statement {
	s := &validateJWT{
		tokenSource:   c.tokenSource(n, ""),
		requireExpiry: c.boolAttribute(n, "require-expiration-time", true),
		requireSigned: c.boolAttribute(n, "require-signed-tokens", true),
	}
	s.scheme, _ = c.textAttribute(n, "require-scheme")
	if s.skew, _ = c.textAttribute(n, "clock-skew"); s.skew.given && s.skew.compute == nil {
		if _, ok := parseSkew(s.skew.literal); !ok {
			v, _ := c.attribute(n, "clock-skew")
			c.malformed(v, "clock-skew", fmt.Sprintf("seconds from 0 to %d, or a time span such as 00:05:00", longestSkew), "")
		}
	}
	if s.requireSigned.compute == nil && !s.requireSigned.literal {
		c.strict(n.Attribute("require-signed-tokens").ValuePos, "unsigned-tokens", "true", "remove the attribute",
			"%s would accept tokens that nobody signed", n.Name)
	}
	for _, k := range elements(n, "openid-config") {
		s.config(c, k)
	}
	for _, list := range elements(n, "issuer-signing-keys") {
		for _, k := range elements(list, "key") {
			s.key(c, k)
		}
	}
	c.noDecryption(n)
	for _, list := range elements(n, "audiences") {
		s.audiences = c.texts(list, "audience")
	}
	for _, list := range elements(n, "issuers") {
		s.issuers = c.texts(list, "issuer")
	}
	s.claims = c.requiredClaims(n)
	s.check(c, n)
	return s
}

// check is about the policy as a whole.
func (s *validateJWT) check(c *compiler, n *Node) {
	switch {
	case len(elements(n, "openid-config")) == 0 && len(elements(n, "issuer-signing-keys")) == 0:
		c.strict(n.Pos, "no-keys", "<openid-config> or <issuer-signing-keys>", "", "%s has no key, so it refuses every token", n.Name)
	case len(s.configs) > mostTokenKeys || len(s.keys)+len(s.computed) > mostTokenKeys:
		c.strict(n.Pos, "too-many-keys", fmt.Sprintf("at most %d keys and %d configurations", mostTokenKeys, mostTokenKeys), "", "%s has too many keys", n.Name)
	}
	if len(elements(n, "audiences")) == 0 && !s.requires("aud") {
		c.warn(n.Pos, "any-audience", "add <audiences> with the gateway's own application id",
			"%s accepts tokens that were issued for others: it names no audience", n.Name)
	}
}

func (s *validateJWT) requires(claim string) bool {
	for i := range s.claims {
		if s.claims[i].name.literal == claim && len(s.claims[i].values) > 0 {
			return true
		}
	}
	return false
}

// noDecryption refuses keys for tokens that are not read.
func (c *compiler) noDecryption(n *Node) {
	for _, k := range elements(n, "decryption-keys") {
		c.strict(k.Pos, "not-built", "no decryption-keys", "remove it, and have the issuer sign tokens without encrypting them",
			"encrypted tokens are not read by this gateway")
	}
}

func (s *validateJWT) config(c *compiler, n *Node) {
	t, ok := c.textAttribute(n, "url")
	if !ok {
		return
	}
	if t.compute == nil {
		t.literal = strings.TrimSpace(t.literal)
		s.uses = append(s.uses, ConfigurationUse{t.literal, t.pos, t.secret})
	}
	s.configs = append(s.configs, t)
}

// key takes one key of issuer-signing-keys.
func (s *validateJWT) key(c *compiler, n *Node) {
	id := ""
	if a := n.Attribute("id"); a != nil {
		id = a.Value
	}
	certificate, byCertificate := c.attribute(n, "certificate-id")
	modulus, hasN := c.attribute(n, "n")
	exponent, hasE := c.attribute(n, "e")
	text, hasText := c.textContent(n)
	var k *verify.LocalKey
	var err error
	switch {
	case byCertificate:
		s.certificateKey(c, id, certificate)
		return
	case hasN && hasE:
		k, err = verify.RSAKey(id, strings.TrimSpace(modulus.text), strings.TrimSpace(exponent.text))
	case hasN || hasE:
		c.add(n.Pos, "missing-attribute", "n and e", "", "an RSA key has a modulus and an exponent")
		return
	case !hasText:
		return
	case text.compute != nil:
		s.computed = append(s.computed, computedKey{id, text})
		return
	default:
		k, err = secretKey(id, text.literal)
	}
	if err != nil {
		c.strict(n.Pos, "key-refused", "a symmetric key of 32 bytes or more in base64, or an RSA key of 2048 bits or more", "", "the key is refused: %v", err)
		return
	}
	s.keys = append(s.keys, k)
}

func (s *validateJWT) certificateKey(c *compiler, id string, name value) {
	found := c.env.certificate(name.text, "")
	if found == nil {
		if !c.env.any {
			c.unknownCertificate(name, "certificate-id")
		}
		return
	}
	k, err := verify.CertificateKey(id, found.Leaf())
	if err != nil {
		c.strict(name.pos, "key-refused", "a certificate with a key for signatures", "", "the key of the certificate %q is refused: %v", name.written, err)
		return
	}
	s.keys = append(s.keys, k)
}

// secretKey reads base64 as .NET does: white space in it does not count.
func secretKey(id, text string) (*verify.LocalKey, error) {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return verify.SecretKey(id, secret)
}

// parseSkew reads whole seconds or hh:mm:ss.
func parseSkew(text string) (time.Duration, bool) {
	parts := strings.Split(strings.TrimSpace(text), ":")
	seconds := 0
	switch len(parts) {
	case 1, 3:
		for _, p := range parts {
			n, err := strconv.Atoi(p)
			if err != nil || n < 0 || n > longestSkew {
				return 0, false
			}
			seconds = seconds*60 + n
		}
	default:
		return 0, false
	}
	return time.Duration(seconds) * time.Second, seconds <= longestSkew
}

func (s *validateJWT) configurations() []ConfigurationUse { return s.uses }

func (s *validateJWT) do(ctx context.Context, x *Exchange) (flow, *Error) {
	return s.run(ctx, x, s)
}

// tokenRules is what tells the policies apart that verify a token.
type tokenRules interface {
	// complete adds to the rules what hangs on the exchange.
	complete(ctx context.Context, x *Exchange, r *verify.Rules, raw string) *Error
	// also looks at the claims of a token that is verified.
	also(ctx context.Context, x *Exchange, claims *verify.Claims) (refusal, e *Error)
}

func (s *validateJWT) run(ctx context.Context, x *Exchange, own tokenRules) (flow, *Error) {
	raw, refusal, e := s.token(ctx, x)
	var claims *verify.Claims
	if e == nil && refusal == nil {
		x.presented(raw)
		claims, refusal, e = s.verify(ctx, x, own, raw)
	}
	if e == nil && refusal == nil {
		refusal, e = own.also(ctx, x, claims)
	}
	if e == nil && refusal == nil {
		refusal, e = checkClaims(ctx, x, s.claims, claims)
	}
	if e == nil && refusal == nil {
		refusal = s.keep(x, raw)
	}
	switch {
	case e != nil:
		return stop, e
	case refusal != nil:
		return stop, s.answer(ctx, x, refusal)
	}
	x.vouched(ctx, Vouched{Token: raw})
	return next, nil
}

func (s *validateJWT) also(context.Context, *Exchange, *verify.Claims) (refusal, e *Error) {
	return nil, nil
}

// verify checks signature, issuer, audience and times.
func (s *validateJWT) verify(ctx context.Context, x *Exchange, own tokenRules, raw string) (claims *verify.Claims, refusal, e *Error) {
	rules, e := s.rules(ctx, x)
	if e == nil {
		e = own.complete(ctx, x, rules, raw)
	}
	if e != nil {
		return nil, nil, e
	}
	now := x.now()
	var err error
	x.apart(func() { claims, err = rules.Verify(ctx, raw, now) })
	var unlisted *egress.RefusedError
	switch {
	case err == nil:
		return claims, nil, nil
	case ctx.Err() != nil:
		return nil, nil, x.interrupted(context.Cause(ctx))
	case errors.As(err, &unlisted):
		return nil, nil, noConfiguration(err)
	}
	return nil, tokenRefusal(err), nil
}

// noConfiguration is the error of a configuration that the site does not allow.
func noConfiguration(cause error) *Error {
	return &Error{
		Reason: "BackendConnectionFailure", Message: "The OpenID configuration cannot be fetched.",
		Status: http.StatusInternalServerError, Cause: cause,
	}
}

// rules are what counts for one exchange.
func (s *validateJWT) rules(ctx context.Context, x *Exchange) (*verify.Rules, *Error) {
	signed, e := s.requireSigned.is(ctx, x)
	if e == nil && !signed {
		e = s.requireSigned.compute.badValue("Tokens that are not signed are not accepted.")
	}
	if e != nil {
		return nil, e
	}
	r := &verify.Rules{Keys: s.keys, TenantInIssuer: s.tenant}
	expiry, e := s.requireExpiry.is(ctx, x)
	if e != nil {
		return nil, e
	}
	r.WithoutExpiry = !expiry
	if r.Skew, e = s.skewOf(ctx, x); e != nil {
		return nil, e
	}
	if r.Audiences, e = textsOf(ctx, x, s.audiences); e != nil {
		return nil, e
	}
	if r.Issuers, e = textsOf(ctx, x, s.issuers); e != nil {
		return nil, e
	}
	return r, nil
}

func (s *validateJWT) complete(ctx context.Context, x *Exchange, r *verify.Rules, _ string) *Error {
	for i := range s.computed {
		k, e := s.computed[i].key(ctx, x)
		if e != nil {
			return e
		}
		r.Keys = append(r.Keys[:len(r.Keys):len(r.Keys)], k)
	}
	for i := range s.configs {
		set, e := openConfiguration(ctx, x, &s.configs[i])
		if e != nil {
			return e
		}
		r.Sets = append(r.Sets, set)
	}
	return nil
}

func (s *validateJWT) skewOf(ctx context.Context, x *Exchange) (time.Duration, *Error) {
	if !s.skew.given {
		return 0, nil
	}
	text, e := s.skew.text(ctx, x)
	if e != nil {
		return 0, e
	}
	d, ok := parseSkew(text)
	if !ok {
		return 0, s.skew.compute.badValue("The value of \"clock-skew\" is no time up to %d seconds.", longestSkew)
	}
	return d, nil
}

func (k *computedKey) key(ctx context.Context, x *Exchange) (*verify.LocalKey, *Error) {
	text, e := k.text.text(ctx, x)
	if e != nil {
		return nil, e
	}
	made, err := secretKey(k.id, text)
	if err != nil {
		return nil, k.text.compute.badValue("The value of \"key\" is no key of %d bytes or more in base64.", verify.MinSecret)
	}
	return made, nil
}

// textsOf are the values; nil where there are none.
func textsOf(ctx context.Context, x *Exchange, list []textValue) ([]string, *Error) {
	var out []string
	for i := range list {
		t, e := list[i].text(ctx, x)
		if e != nil {
			return nil, e
		}
		out = append(out, strings.TrimSpace(t))
	}
	return out, nil
}

// openConfiguration opens the key set of an OpenID configuration.
func openConfiguration(ctx context.Context, x *Exchange, config *textValue) (*verify.RemoteSet, *Error) {
	u, e := config.text(ctx, x)
	if e != nil {
		return nil, e
	}
	if x.Services == nil || x.Services.KeySets == nil {
		return nil, noConfiguration(errors.New("no key sets are fetched here"))
	}
	var set *verify.RemoteSet
	var err error
	x.apart(func() { set, err = x.Services.KeySets.Open(strings.TrimSpace(u)) })
	if err != nil {
		return nil, noConfiguration(err)
	}
	return set, nil
}
