package policy

import (
	"context"
	"io"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Services are what policies use of their surroundings, for as long as a
// gateway runs. What is nil is not there: a policy that needs it fails.
type Services struct {
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Random gives the bytes of new Guids; nil: crypto/rand.
	Random io.Reader
	// Sleep waits, or ends early with the context's error; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Turns says who is next of those that run at the same time, in wait; nil: who
	// comes first.
	Turns Turns

	// What integrates (retry, send-request, log-to-eventhub).

	// Retries bounds how often retry repeats what connects; nil: only its count.
	Retries Retries
	// Calls makes the requests of send-request and send-one-way-request; nil:
	// they fail.
	Calls CallMaker
	// Events takes the messages of log-to-eventhub; nil: they are lost, with a
	// note.
	Events EventSender

	// What caches use.

	// Caches keep values, answers and completions; nil: every lookup misses.
	Caches *Caches
	// Embedder makes the vectors of the semantic cache; nil: the backend that the
	// document names does, see [Exchange.CallBackend].
	Embedder Embedder

	// What limits (rate-limit, quota, limit-concurrency).

	// Counters count; nil: nobody does, and what has to be counted is denied.
	Counters Counters

	// What counts tokens and tells of what happens (llm-token-limit,
	// llm-emit-token-metric, emit-metric).

	// Tokens counts for the token limits; nil: they fail.
	Tokens TokenCounter
	// Metrics takes the metrics of documents; nil: nobody does.
	Metrics MetricSink

	// What identifies (validate-jwt, authentication-managed-identity,
	// get-authorization-context).

	// KeySets are the key sets that documents name; nil: none can be fetched.
	KeySets KeySets
	// Identities obtain tokens as the gateway; nil: it has no identity.
	Identities Identities
	// Authorizations are a credential manager's; nil: there is none.
	Authorizations Authorizations
	certificates   pfxCache
}

// Turns are those of policies that run at the same time, for surroundings in which
// the same request has to come to the same. What waits for others (Sleep, and the
// calls of Services) gives its turn away by itself.
type Turns interface {
	// Together runs do for each of n, one at a time, and returns when all have ended.
	Together(n int, do func(i int))
	// Await waits until done is closed, or for no longer than most.
	Await(ctx context.Context, done <-chan struct{}, most time.Duration) error
}

// TokenCounter counts tokens by key, such as *limit.Tokens. An error refuses the
// request.
type TokenCounter interface {
	Reserve(ctx context.Context, r limit.TokenRequest, held limit.TokenHold) (limit.TokenHold, limit.TokenVerdict, error)
}

// MetricSink takes one value of a metric, such as *telemetry.Metrics. It bounds
// what it keeps.
type MetricSink interface {
	Emit(namespace, name string, value float64, dimensions []telemetry.Dimension)
}

// Retries is a budget of repetitions, such as *limit.RetryBudget.
type Retries interface {
	// Request notes that a retry begins.
	Request()
	// Retry asks for one repetition.
	Retry() bool
}

// sleep waits for d.
func (x *Exchange) sleep(ctx context.Context, d time.Duration) (err error) {
	x.apart(func() { err = x.Services.sleep(ctx, d) })
	return err
}

func (s *Services) sleep(ctx context.Context, d time.Duration) error {
	if s != nil && s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
