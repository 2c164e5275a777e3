package policy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/secret"
)

const getAuthorizationContextName = "get-authorization-context"

func getAuthorizationContextEntry() entry {
	return entry{
		name: getAuthorizationContextName, sections: inOnly, scopes: everyScope, connects: true,
		does: "token from the credential manager",
		tier: tierA, page: page{
			intro: "Puts the token of a connection of the credential manager into a variable, as an `Authorization`.",
			example: `
<get-authorization-context provider-id="github" authorization-id="team" context-variable-name="github" identity-type="managed" ignore-error="false" />
<set-header name="Authorization" exists-action="override">
  <value>@("Bearer " + ((Authorization)context.Variables.GetValueOrDefault("github"))?.AccessToken)</value>
</set-header>`,
			behaviour: []string{
				"With `identity-type=\"managed\"` the gateway asks as itself, with `jwt` as whoever the token in `identity` is of.",
				"With `ignore-error=\"true\"` the variable is null where there is no token. Otherwise the error goes to on-error, and the answer is 500.",
			},
			differences: []string{
				"The gateway has no credential manager. `cloister policy` commands take connections from their tests; `serve` refuses a site whose documents hold this policy, by name.",
			},
			errors: []errorLine{
				{"AuthorizationContextFailure", "there is no such connection, or it has no token: 500"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used"},
			},
		},
		attributes: []attribute{
			{name: "provider-id", required: true, expected: "a credential provider", expression: true},
			{name: "authorization-id", required: true, expected: "a connection", expression: true},
			{name: "context-variable-name", required: true, expected: "the variable for the `Authorization`", expression: true},
			{name: "identity-type", expected: listed(identityTypes()), otherwise: identityManaged, expression: true},
			{name: "identity", expected: "a token of Entra ID, with identity-type jwt", expression: true},
			{name: "ignore-error", expected: "true or false", otherwise: "false", expression: true},
		},
		compile: compileGetAuthorizationContext,
	}
}

const (
	identityManaged = "managed"
	identityJWT     = "jwt"
)

func identityTypes() []string { return []string{identityManaged, identityJWT} }

type getAuthorizationContext struct {
	provider, authorization, variable, identity textValue
	kind                                        choiceValue
	ignore                                      boolValue
}

func compileGetAuthorizationContext(c *compiler, n *Node) statement {
	s := &getAuthorizationContext{
		kind:   c.choiceAttribute(n, "identity-type", identityManaged, identityTypes()...),
		ignore: c.boolAttribute(n, "ignore-error", false),
	}
	s.provider, _ = c.textAttribute(n, "provider-id")
	s.authorization, _ = c.textAttribute(n, "authorization-id")
	s.variable, _ = c.textAttribute(n, "context-variable-name")
	s.identity, _ = c.textAttribute(n, "identity")
	if s.kind.compute == nil && s.kind.literal == identityJWT && n.Attribute("identity") == nil {
		c.strict(n.Pos, "missing-attribute", "a token", `add identity="…"`, `%s needs the attribute "identity" where identity-type is jwt`, n.Name)
	}
	return s
}

func (s *getAuthorizationContext) do(ctx context.Context, x *Exchange) (flow, *Error) {
	r, variable, e := s.request(ctx, x)
	if e != nil {
		return stop, e
	}
	ignore, e := s.ignore.is(ctx, x)
	if e != nil {
		return stop, e
	}
	var got Authorization
	err := errors.New("there is no credential manager here")
	if x.Services != nil && x.Services.Authorizations != nil {
		x.apart(func() { got, err = x.Services.Authorizations.Authorization(ctx, r) })
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return stop, x.interrupted(context.Cause(ctx))
	case ignore:
		x.Note("no token of the connection " + r.Provider + "/" + r.Authorization + ": " + err.Error())
		x.Variables.Set(variable, clr.Null)
		return next, nil
	default:
		return stop, &Error{
			Reason: "AuthorizationContextFailure", Message: "There is no token of the connection.",
			Status: http.StatusInternalServerError, Cause: err,
		}
	}
	x.mint(got.AccessToken, "", time.Time{})
	claims := &Variables{}
	for _, k := range got.Claims {
		claims.Set(k.Name, k.Value)
	}
	x.Variables.Set(variable, clr.Obj(&request.Authorization{AccessToken: got.AccessToken.Reveal(), Claims: claims}))
	x.say(variable, masked)
	return next, nil
}

func (s *getAuthorizationContext) request(ctx context.Context, x *Exchange) (r AuthorizationRequest, variable string, e *Error) {
	for _, a := range []struct {
		from *textValue
		to   *string
	}{{&s.provider, &r.Provider}, {&s.authorization, &r.Authorization}, {&s.variable, &variable}} {
		text, e := a.from.text(ctx, x)
		if e != nil {
			return r, "", e
		}
		if *a.to = strings.TrimSpace(text); *a.to == "" {
			return r, "", &Error{
				Reason: "AuthorizationContextFailure", Message: "A name is empty: that of the provider, the connection or the variable.",
				Status: http.StatusInternalServerError,
			}
		}
	}
	kind, e := s.kind.word(ctx, x)
	if e != nil || kind != identityJWT {
		return r, variable, e
	}
	token, e := s.identity.text(ctx, x)
	if e != nil {
		return r, "", e
	}
	if token = strings.TrimSpace(token); token == "" {
		return r, "", &Error{
			Reason: "AuthorizationContextFailure", Message: "There is no identity to ask as.", Status: http.StatusInternalServerError,
		}
	}
	r.Identity = secret.New(token)
	return r, variable, nil
}
