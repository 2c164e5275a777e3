package policy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/secret"
)

func authenticationManagedIdentityEntry() entry {
	return entry{
		name: "authentication-managed-identity", sections: inOnly, tolerated: 1 << outbound, scopes: everyScope, connects: true,
		does: "managed identity's token to the backend",
		tier: tierA, page: page{
			intro: "Obtains a token by managed identity, and sends it to the backend or puts it into a variable. In `send-request` it is for that request.",
			example: `
<authentication-managed-identity resource="https://cognitiveservices.azure.com" />
<authentication-managed-identity resource="https://vault.azure.net" client-id="aaaaaaaa-0000-4000-8000-000000000001" output-token-variable-name="vault-token" ignore-error="true" />`,
			behaviour: []string{
				"Without `output-token-variable-name` the token becomes the header `Authorization: Bearer …` of the request; with it, a string in that variable, and the header stays.",
				"Tokens come from Azure's endpoint for managed identities on this machine, over class `identity` of the egress dialer: a site whose documents hold this policy opens the way to instance metadata for it alone. They are kept until shortly before their end, for all requests together, and survive a reload.",
				"A token for a service of Azure that the gateway knows (Azure AI, Key Vault, Resource Manager, Graph, Storage, Event Hubs and Service Bus, SQL, Cosmos DB, Search, Monitor) goes to hosts of that service alone, and to destinations that are exact loopback addresses; one for Azure AI also to every destination of class `model`. Any other request that carries it is refused with 403 (`BackendCredentialTravels`), whoever has put it there. Tokens for other resources may go wherever the site lets requests go.",
				"With `ignore-error=\"true\"` the pipeline goes on without a token: the variable is null, the header stays as it is, and the record has a note.",
				"Observers and traces see `***` in the place of the token, whatever expression holds it.",
			},
			differences: []string{
				"`client-id` and `ignore-error` may be expressions nowhere, `resource` may, as documented.",
				"API Management sends such a token wherever a document sends it.",
				"A backend's credential in cloister.yaml does the same without a policy, and for each member of a pool.",
			},
			errors: []errorLine{
				{"BackendCredentialFailure", "there is no token: 500"},
				{"ExpressionValueEvaluationFailure", "an expression throws"},
			},
		},
		attributes: []attribute{
			{name: "resource", required: true, expected: "what the token is for", expression: true},
			{name: "client-id", expected: "the client id of a user-assigned identity", otherwise: "the identity of the system"},
			{name: "output-token-variable-name", expected: "the variable for the token, a string"},
			{name: "ignore-error", expected: "true or false", otherwise: "false"},
		},
		compile: compileAuthenticationManagedIdentity,
	}
}

type authenticationManagedIdentity struct {
	resource         textValue
	client, variable string
	ignore           bool
}

func compileAuthenticationManagedIdentity(c *compiler, n *Node) statement {
	s := &authenticationManagedIdentity{
		variable: c.outputVariable(n, "output-token-variable-name"),
		ignore:   c.boolean(n, "ignore-error", false),
	}
	s.resource, _ = c.textAttribute(n, "resource")
	if s.resource.given && s.resource.compute == nil && strings.TrimSpace(s.resource.literal) == "" {
		v, _ := c.attribute(n, "resource")
		c.invalid(v, "resource", "what the token is for, such as https://vault.azure.net", "")
	}
	v, _ := c.attribute(n, "client-id")
	s.client = strings.TrimSpace(v.text)
	return s
}

func (s *authenticationManagedIdentity) do(ctx context.Context, x *Exchange) (flow, *Error) {
	resource, e := s.resource.text(ctx, x)
	if e != nil {
		return stop, e
	}
	resource = strings.TrimSpace(resource)
	token, expires, err := x.managedIdentity(ctx, resource, s.client)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return stop, x.interrupted(context.Cause(ctx))
	case s.ignore:
		x.Note("no token by managed identity: " + err.Error())
		if s.variable != "" {
			x.Variables.Set(s.variable, clr.Null)
		}
		return next, nil
	default:
		return stop, noCredential("The gateway could not obtain a token by managed identity.", err)
	}
	x.mint(token, resource, expires)
	if s.variable != "" {
		x.Variables.Set(s.variable, clr.Str(token.Reveal()))
		x.say(s.variable, masked)
		return next, nil
	}
	x.requestHeader()["Authorization"] = []string{"Bearer " + token.Reveal()}
	x.say("Authorization", masked)
	return next, nil
}

// noCredential is the error of a credential that the gateway could not obtain.
func noCredential(message string, cause error) *Error {
	return &Error{Reason: "BackendCredentialFailure", Message: message, Status: http.StatusInternalServerError, Cause: cause}
}

func (x *Exchange) managedIdentity(ctx context.Context, resource, client string) (token secret.Value, expires time.Time, err error) {
	if x.Services == nil || x.Services.Identities == nil {
		return secret.Value{}, time.Time{}, errors.New("there is no managed identity here")
	}
	x.apart(func() { token, expires, err = x.Services.Identities.ManagedIdentity(ctx, resource, client) })
	return token, expires, err
}

// mint tells the gateway of a token that a policy obtained, and keeps it out of
// what observers see.
func (x *Exchange) mint(token secret.Value, resource string, expires time.Time) {
	x.own.Add(token.Reveal())
	if x.Minted != nil {
		x.Minted(token, resource, expires)
	}
}
