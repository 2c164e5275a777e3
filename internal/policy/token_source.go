package policy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/identity/verify"
)

// tokenAttributes are those that the policies share that verify a token.
func tokenAttributes() []attribute {
	return []attribute{
		{name: "header-name", expected: "the header that holds the token", expression: true},
		{name: "query-parameter-name", expected: "the query parameter that holds the token", expression: true},
		{name: "token-value", expected: "the token", expression: true},
		{name: "failed-validation-httpcode", expected: "a status from 400 to 599", otherwise: "401", expression: true},
		{name: "failed-validation-error-message", expected: "text for the caller", otherwise: "by what is wrong", expression: true},
		{name: "output-token-variable-name", expected: "the variable for the token, a `Jwt`"},
	}
}

// tokenSource is where a token is, and what becomes of the request.
type tokenSource struct {
	// One of the three is given.
	header, query, value textValue
	status               intValue
	message              textValue
	// scheme is required in Authorization; not given: any, or none.
	scheme textValue
	output string
}

// tokenSource takes the attributes of [tokenAttributes]. otherwise is the header
// where none of the three places is given; empty: one has to be.
func (c *compiler) tokenSource(n *Node, otherwise string) tokenSource {
	s := tokenSource{status: c.intAttribute(n, "failed-validation-httpcode", 400, 599, http.StatusUnauthorized)}
	s.header, _ = c.headerNameValue(n, "header-name")
	s.query, _ = c.textAttribute(n, "query-parameter-name")
	s.value, _ = c.textAttribute(n, "token-value")
	s.message, _ = c.textAttribute(n, "failed-validation-error-message")
	s.output = c.outputVariable(n, "output-token-variable-name")
	places := 0
	for _, name := range []string{"header-name", "query-parameter-name", "token-value"} {
		if n.Attribute(name) != nil {
			places++
		}
	}
	const expected = "one of header-name, query-parameter-name, token-value"
	switch {
	case places > 1:
		c.strict(n.Pos, "token-place", expected, "remove the others", "%s takes the token from more than one place", n.Name)
	case places == 0 && otherwise == "":
		c.add(n.Pos, "missing-attribute", expected, `add header-name="Authorization"`, "%s does not say where the token is", n.Name)
	case places == 0:
		s.header = textValue{literal: otherwise, given: true}
	}
	return s
}

// outputVariable takes the name of a variable that a policy sets; empty: none.
func (c *compiler) outputVariable(n *Node, name string) string {
	v, ok := c.attribute(n, name)
	text := strings.TrimSpace(v.text)
	if ok && text == "" {
		c.invalid(v, name, "a name", "")
	}
	return text
}

// token is the token of the request; refusal: there is none.
func (s *tokenSource) token(ctx context.Context, x *Exchange) (token string, refusal, e *Error) {
	var lines []string
	withScheme := ""
	switch {
	case s.value.given:
		v, e := s.value.text(ctx, x)
		if e != nil {
			return "", nil, e
		}
		lines = []string{v}
	case s.query.given:
		name, e := s.query.text(ctx, x)
		if e != nil {
			return "", nil, e
		}
		// What does not parse holds no token: the backend may read it otherwise.
		values, err := url.ParseQuery(x.Request.Query)
		if err != nil {
			return "", invalidToken("The query cannot be read."), nil
		}
		lines = values[name]
	default:
		name, e := s.header.headerName(ctx, x, false)
		if e != nil {
			return "", nil, e
		}
		lines, withScheme = x.Request.Header[name], name
	}
	if len(lines) > 1 {
		return "", invalidToken("The token was sent more than once."), nil
	}
	if len(lines) == 1 {
		token = strings.TrimSpace(lines[0])
	}
	if withScheme != "" {
		if token, e = s.withoutScheme(ctx, x, withScheme, token); e != nil {
			return "", nil, e
		}
	}
	if token == "" {
		return "", denied(0, "TokenNotPresent", "JWT not present.", ""), nil
	}
	return token, nil, nil
}

// withoutScheme is what stands behind the scheme of a header; empty: another
// scheme is required. Only in Authorization one is.
func (s *tokenSource) withoutScheme(ctx context.Context, x *Exchange, header, value string) (string, *Error) {
	scheme, token, found := strings.Cut(value, " ")
	if header == "Authorization" && s.scheme.given {
		want, e := s.scheme.text(ctx, x)
		if e != nil {
			return "", e
		}
		if want != "" && (!found || !strings.EqualFold(scheme, want)) {
			return "", nil
		}
	}
	if !found {
		return value, nil
	}
	return strings.TrimSpace(token), nil
}

func invalidToken(why string) *Error { return denied(0, "JwtInvalid", why+" Access denied.", "") }

// answer gives a refusal the status and the message of the policy.
func (s *tokenSource) answer(ctx context.Context, x *Exchange, refusal *Error) (e *Error) {
	if refusal.Status, e = s.status.number(ctx, x); e != nil {
		return e
	}
	refusal.PublicMessage = refusal.Message
	if s.message.given {
		if refusal.PublicMessage, e = s.message.text(ctx, x); e != nil {
			return e
		}
	}
	return refusal
}

// keep puts a verified token into the variable that is for it.
func (s *tokenSource) keep(x *Exchange, raw string) *Error {
	if s.output == "" {
		return nil
	}
	l := x.expressions()
	l.thread.Start(context.Background(), clr.DefaultLimits())
	defer l.thread.End()
	token := request.ParseJwt(&l.thread, raw)
	if token == nil {
		return invalidToken("The token cannot be read.")
	}
	x.Variables.Set(s.output, clr.Obj(token))
	x.say(s.output, "Jwt")
	return nil
}

// tokenRefusal is the error of a token that did not verify. What exactly was
// wrong is its cause.
func tokenRefusal(err error) *Error {
	var typed *verify.Error
	if !errors.As(err, &typed) {
		return &Error{Reason: "JwtInvalid", Message: "The token cannot be verified. Access denied.", Cause: err}
	}
	e := &Error{Cause: err}
	switch typed.Code {
	case verify.SignatureInvalid, verify.AlgorithmOfOtherKey:
		e.Reason, e.Message = "TokenSignatureInvalid", "JWT signature is invalid."
	case verify.KeyUnknown, verify.KeyIDMissing:
		e.Reason, e.Message = "TokenSignatureKeyNotFound", "The signing key of the JWT was not found."
	case verify.KeysUnavailable:
		e.Reason, e.Message = "TokenSignatureKeyNotFound", "The signing keys of the issuer are not available."
	case verify.IssuerMissing, verify.IssuerUnknown, verify.IssuerOfOtherKey, verify.TenantMismatch:
		e.Reason, e.Message = "TokenIssuerNotAllowed", "JWT issuer is not allowed."
	case verify.AudienceMismatch:
		e.Reason, e.Message = "TokenAudienceNotAllowed", "JWT audience is not allowed."
	case verify.Expired:
		e.Reason, e.Message = "TokenExpired", "JWT has expired."
	case verify.NotYetValid:
		e.Reason, e.Message = "JwtInvalid", "JWT is not valid yet."
	case verify.ExpiryMissing:
		e.Reason, e.Message = "JwtInvalid", "JWT has no expiration time."
	default:
		e.Reason, e.Message = "JwtInvalid", "JWT is not valid."
	}
	e.Message += " Access denied."
	return e
}

// tokenErrors are the errors of the policies that verify a token.
func tokenErrors() []errorLine {
	return []errorLine{
		{"TokenNotPresent", "there is no token, or not with the scheme that is required"},
		{"JwtInvalid", "it is no token, is sent more than once, is encrypted, is not signed, has no `exp` where it must, is not valid yet, or is bound to a key (`cnf`)"},
		{"TokenSignatureInvalid", "the key did not sign it"},
		{"TokenSignatureKeyNotFound", "no key is known by its `kid`, or the keys cannot be fetched"},
		{"TokenIssuerNotAllowed", "the issuer is another one, or not the one of the key"},
		{"TokenAudienceNotAllowed", "it is for others"},
		{"TokenExpired", "`exp` is over"},
		{"TokenClaimNotFound", "a required claim is missing"},
		{"TokenClaimValueNotAllowed", "a required claim has another value"},
		{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used"},
	}
}

// tokenBehaviour is what holds for both policies.
func tokenBehaviour() []string {
	return []string{
		"The token is checked by the gateway's own validator: rows 1 to 8, 10 to 12 and 15 of [Access tokens](../tokens.md). Each algorithm needs a key of its own kind; `none` is refused whatever the document says.",
		"Key sets are fetched over the egress dialer's class `identity`, once for all documents that name one, every hour, and when a token has a `kid` that is new: once a minute at most. They survive a reload, and count for 24 hours while the issuer is down. A configuration whose host the site does not list is an error when the site is loaded; a computed URL is refused when it is used.",
		"`match=\"all\"`: the claim has every value; `any`: one of them. A claim without `value` has to be there. `separator` splits a claim that is one string. Values have case.",
		"The answer has `failed-validation-httpcode` and `failed-validation-error-message`; without a message, that of the error.",
		"For an API with `callers: [policy]` the token names the caller, if the site trusts it too: its issuer is in `tokens.issuers`, and it passes everything that [a caller's token](../tokens.md) has to. The first rule of `tokens.callers` that fits gives it a subscription. A token that only the document trusts lets nobody through the gate.",
		"The header or parameter that holds the token does not go to the backend, unless the backend has `passCallerToken: true`.",
	}
}
