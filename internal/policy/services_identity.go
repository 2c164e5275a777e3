package policy

import (
	"context"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/secret"
)

// KeySets opens the key sets behind OpenID configurations, such as
// *verify.KeySets.
type KeySets interface {
	Open(configuration string) (*verify.RemoteSet, error)
}

// Identities obtain tokens as the gateway.
type Identities interface {
	// ManagedIdentity is a token for a resource; clientID is empty for the
	// identity of the system.
	ManagedIdentity(ctx context.Context, resource, clientID string) (token secret.Value, expires time.Time, err error)
}

// Authorizations are the connections of a credential manager.
type Authorizations interface {
	// Authorization is the token of a connection, and what came with it.
	Authorization(ctx context.Context, r AuthorizationRequest) (Authorization, error)
}

// AuthorizationRequest says whose token is asked for, and who asks.
type AuthorizationRequest struct {
	Provider, Authorization string
	// Identity is the token of who asks; the zero Value: the gateway itself.
	Identity secret.Value
}

// Authorization is what a credential manager gives.
type Authorization struct {
	AccessToken secret.Value
	// Claims are the other members of the answer.
	Claims []AuthorizationClaim
}

// AuthorizationClaim is one member.
type AuthorizationClaim struct {
	Name  string
	Value clr.Value
}

// Vouched is what of a caller a policy has verified.
type Vouched struct {
	// Token is an access token in its spelling; empty: none.
	Token string
	// Certificate: the certificate that the caller showed in TLS.
	Certificate bool
}

// presented tells the gateway of a token before it is verified.
func (x *Exchange) presented(token string) {
	if x.Presented != nil {
		x.Presented(token)
	}
}

// vouched tells the gateway what was verified.
func (x *Exchange) vouched(ctx context.Context, v Vouched) {
	if x.Vouched != nil {
		x.Vouched(ctx, v)
	}
}
