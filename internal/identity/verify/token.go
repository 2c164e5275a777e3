package verify

import (
	"slices"
	"time"

	"github.com/cloister-ai/cloister/internal/identity"
)

// Token is a verified access token. It is immutable and may be shared: a
// cache hands one Token to many requests.
type Token struct {
	// Principal is of kind token, without a subscription: see [MapCaller].
	Principal identity.Principal
	// ID is jti, or uti in tokens of Entra ID; may be empty.
	ID string
	// Algorithm and KeyID are how it was signed.
	Algorithm, KeyID string
	// Audience is aud as it stands.
	Audience []string
	// IssuedAt and NotBefore are zero where the token does not say.
	IssuedAt, NotBefore time.Time
	// AppOnly: an application acts for itself, not for a user.
	AppOnly bool
	// ClaimsChallenges: the client understands claims challenges (xms_cc has
	// cp1), so its token may live 28 hours.
	ClaimsChallenges bool
	// GroupsOverage: the user has too many groups to be in the token, so that
	// no rule by group can match.
	GroupsOverage bool

	payload []byte
}

// Payload is a copy of the claims, as the issuer signed them.
func (t *Token) Payload() []byte { return slices.Clone(t.payload) }
