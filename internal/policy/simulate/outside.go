package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/verify"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// Made is a call that a policy made, with what it got.
type Made struct {
	// Kind is forward, call, one-way, backend, event, token, authorization, keys or
	// metric.
	Kind string `json:"kind"`
	// To is a URL; for forwarded requests the backend's id too.
	Backend string              `json:"backend,omitempty"`
	Method  string              `json:"method,omitempty"`
	URL     string              `json:"url,omitempty"`
	Headers map[string][]string `json:"headers,omitempty"`
	Body    string              `json:"body,omitempty"`
	// StatusCode is that of the answer; 0: there was none.
	StatusCode int `json:"statusCode,omitempty"`
	// Error is why there was none.
	Error string `json:"error,omitempty"`
}

// kindForward is the kind of forwarded requests.
const kindForward = "forward"

// errUnanswered is a call that the description says nothing about.
var errUnanswered = errors.New("the responses say nothing about this call, so that it is refused")

// errLate is a call that nobody waits for any longer.
var errLate = errors.New("no answer in time")

// take writes a call down and gives its answer, when it is there: after its delay,
// or when nobody waits any longer (timeout; 0: as long as it takes).
func (w *World) take(ctx context.Context, m Made, a *Answer, timeout time.Duration) (*Answer, error) {
	i := len(w.run.calls)
	w.made(m)
	err := errUnanswered
	if a != nil {
		err = w.answer(ctx, a, timeout)
	}
	if err != nil {
		w.run.calls[i].Error = err.Error()
		return nil, err
	}
	w.run.calls[i].StatusCode = a.StatusCode
	return a, nil
}

func (w *World) answer(ctx context.Context, a *Answer, timeout time.Duration) error {
	delay, late := a.Delay, false
	if timeout > 0 && (delay > timeout || a.Error == failTimeout) {
		delay, late = timeout, true
	}
	switch err := w.turns.sleep(ctx, delay); {
	case err != nil:
		return err
	case late, a.Error == failTimeout:
		return errLate
	case a.Error == failConnection:
		return errors.New("the connection is refused")
	}
	return nil
}

// made writes a call down.
func (w *World) made(m Made) { w.run.calls = append(w.run.calls, m) }

// calls are those of send-request and send-one-way-request.
type calls struct{ w *World }

// Call answers a call as the script says.
func (c calls) Call(ctx context.Context, r *policy.CallRequest) (*policy.CallResponse, error) {
	m := Made{Kind: "call", Method: r.Method, URL: urlOf(r.URL), Headers: r.Header, Body: string(r.Body)}
	a, err := c.w.take(ctx, m, c.w.run.script.called(r.Method, m.URL), r.Timeout)
	switch {
	case errors.Is(err, errLate):
		return nil, policy.ErrCallTimeout
	case err != nil:
		return nil, err
	}
	return &policy.CallResponse{StatusCode: a.StatusCode, Reason: a.StatusReason, Header: a.Headers.Clone(), Body: a.Body}, nil
}

// Later notes a call whose answer nobody reads.
func (c calls) Later(r *policy.CallRequest) bool {
	c.w.made(Made{Kind: "one-way", Method: r.Method, URL: urlOf(r.URL), Headers: r.Header, Body: string(r.Body)})
	return true
}

// events are the messages of log-to-eventhub.
type events struct{ w *World }

// Log notes a message.
func (e events) Log(logger string, m policy.EventMessage) bool {
	e.w.made(Made{Kind: "event", Backend: logger, Body: string(m.Body)})
	return true
}

// metrics are those of emit-metric and llm-emit-token-metric.
type metrics struct{ w *World }

// Emit notes a value.
func (m metrics) Emit(namespace, name string, value float64, dimensions []telemetry.Dimension) {
	text := fmt.Sprintf("%s/%s %g", namespace, name, value)
	for _, d := range dimensions {
		text += fmt.Sprintf(" %s=%s", d.Name, d.Value)
	}
	m.w.made(Made{Kind: "metric", Body: text})
}

// identities are the gateway's own.
type identities struct{ w *World }

// ManagedIdentity gives the script's token for a resource.
func (i identities) ManagedIdentity(_ context.Context, resource, clientID string) (secret.Value, time.Time, error) {
	token, ok := i.w.run.script.Tokens[resource]
	m := Made{Kind: "token", URL: resource, Body: clientID}
	if !ok {
		m.Error = "the responses hold no token for this resource"
		i.w.made(m)
		return secret.Value{}, time.Time{}, errors.New(m.Error)
	}
	i.w.made(m)
	return secret.New(token), i.w.clock().Add(time.Hour), nil
}

// authorizations are the credential manager's.
type authorizations struct{ w *World }

// Authorization gives the script's token of a connection.
func (a authorizations) Authorization(_ context.Context, r policy.AuthorizationRequest) (policy.Authorization, error) {
	name := r.Provider + "/" + r.Authorization
	token, ok := a.w.run.script.Authorizations[name]
	m := Made{Kind: "authorization", URL: name}
	if !ok {
		m.Error = "the responses hold no such authorization"
		a.w.made(m)
		return policy.Authorization{}, errors.New(m.Error)
	}
	a.w.made(m)
	return policy.Authorization{AccessToken: secret.New(token)}, nil
}

// keySets are those of OpenID configurations: what the script says of their URLs.
// They are fetched by each request that needs them.
type keySets struct{ w *World }

// Open fetches a configuration and the keys that it names.
func (k keySets) Open(configuration string) (*verify.RemoteSet, error) {
	return verify.Fetch(k.w.run.ctx, &http.Client{Transport: k}, configuration, k.w.clock)
}

// RoundTrip answers one of the two requests.
func (k keySets) RoundTrip(r *http.Request) (*http.Response, error) {
	u := urlOf(r.URL)
	a, err := k.w.take(r.Context(), Made{Kind: "keys", Method: r.Method, URL: u}, k.w.run.script.called(r.Method, u), 0)
	return httpAnswer(a), err
}

// callBackend answers what policies ask a backend.
func (w *World) callBackend(id string, r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	u := "backend:" + id + r.URL.RequestURI()
	a, err := w.take(r.Context(), Made{Kind: "backend", Backend: id, Method: r.Method, URL: u, Body: string(body)}, w.run.script.called(r.Method, u), 0)
	return httpAnswer(a), err
}

// httpAnswer is an answer as those get it who speak HTTP; nil: there is none.
func httpAnswer(a *Answer) *http.Response {
	if a == nil {
		return nil
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode)), StatusCode: a.StatusCode, Header: a.Headers.Clone(),
		ContentLength: int64(len(a.Body)), Body: io.NopCloser(bytes.NewReader(a.Body)),
	}
}

// forward answers what forward-request sends.
func (w *World) forward(ctx context.Context, x *policy.Exchange, opt policy.ForwardOptions) error {
	r := &x.Request
	m := Made{Kind: kindForward, Backend: r.Backend.ID, Method: r.Method, URL: w.run.addressOf(r), Headers: r.Header.Clone()}
	if r.Body != nil {
		m.Body = string(r.Body.Bytes)
	}
	w.run.sent = append(w.run.sent, sent{method: m.Method, url: m.URL, header: m.Headers, body: m.Body})
	a, err := w.take(ctx, m, w.run.script.forwarded(r.Backend.ID), opt.Timeout)
	fails := func(reason, message string) error {
		return &policy.Error{Source: "forward-request", Reason: reason, Message: message, Status: http.StatusInternalServerError, Cause: err}
	}
	switch {
	case errors.Is(err, errUnanswered):
		return fails("BackendConnectionFailure", "The responses hold none of this backend.")
	case errors.Is(err, errLate):
		return fails("Timeout", "The backend did not answer in time.")
	case err != nil:
		return fails("BackendConnectionFailure", "The connection to the backend failed.")
	}
	x.Response = a.response()
	return nil
}
