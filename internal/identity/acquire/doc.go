// Package acquire obtains the access tokens that the gateway itself shows: by
// managed identity or by client secret, through azidentity, over the egress
// dialer's class "identity".
//
// It guarantees that a token is asked for by one goroutine at a time however
// many want it, and before it runs out, so that requests do not wait for it;
// that one attempt is bounded in time, retries and size; that redirects and
// proxies from the environment are not followed; that instance metadata is
// asked by the managed identity's client alone; and that neither a token nor
// a client secret stands in an error. It does not verify tokens: they are
// opaque to whoever obtains them.
//
// It fails with an [*Error]. While a token is still valid, a failure to renew
// it is logged and the token given out; after a failure the next attempt
// waits, at most [maxHold].
package acquire

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// Source gives a token that is valid now, and until when.
type Source interface {
	Token(ctx context.Context) (secret.Value, time.Time, error)
}

// Options are what a source takes from its surroundings.
type Options struct {
	// Client reaches those who give tokens: the egress dialer's, in class
	// identity, with the authority's CAs. Required.
	Client *http.Client
	// InstanceMetadata is the one way to 169.254.169.254, for managed
	// identities.
	InstanceMetadata http.RoundTripper
	// Minted hears of every token before it is given out, so that it can be
	// bound to the hosts it is for. Nil: nobody.
	Minted func(token secret.Value, expires time.Time)
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Log gets failures to renew. Nil: nothing is logged.
	Log *slog.Logger
}
