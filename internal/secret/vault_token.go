package secret

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// VaultScope is what a credential for vaults of Azure's public cloud is for.
const VaultScope = "https://vault.azure.net/.default"

// TokenSource gives an access token that is valid now, and until when.
type TokenSource interface {
	Token(ctx context.Context) (Value, time.Time, error)
}

// TokenCredential makes a credential of a source whose tokens are for scope. A
// vault that asks for another scope gets none.
func TokenCredential(source TokenSource, scope string) azcore.TokenCredential {
	return &sourceCredential{source, scope}
}

type sourceCredential struct {
	source TokenSource
	scope  string
}

// GetToken implements azcore.TokenCredential.
func (c *sourceCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if !slices.Equal(o.Scopes, []string{c.scope}) {
		return azcore.AccessToken{}, &tokenError{text: fmt.Sprintf("it wants a token for %q, and the credential is for %s", o.Scopes, c.scope)}
	}
	v, expires, err := c.source.Token(ctx)
	if err != nil {
		return azcore.AccessToken{}, &tokenError{text: "there is no token for it: " + err.Error(), err: err}
	}
	return azcore.AccessToken{Token: v.Reveal(), ExpiresOn: expires}, nil
}

// tokenError is a token that could not be obtained.
type tokenError struct {
	text string
	err  error
}

func (e *tokenError) Error() string { return e.text }
func (e *tokenError) Unwrap() error { return e.err }

// quietCredential keeps the text of a credential's error, which may hold an
// authority's whole answer, out of ours.
type quietCredential struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (c quietCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := c.TokenCredential.GetToken(ctx, o)
	if err == nil {
		return t, nil
	}
	if ours, ok := err.(*tokenError); ok {
		return t, ours
	}
	return t, &tokenError{text: "the credential gives no token for it"}
}
