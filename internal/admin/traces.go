package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// TraceLine is a traced request in the list of GET /v1/traces.
type TraceLine struct {
	ID           string    `json:"traceId"`
	Started      time.Time `json:"started"`
	Method       string    `json:"method"`
	URL          string    `json:"url"`
	Subscription string    `json:"subscription"`
	Status       int       `json:"statusCode"`
	Elapsed      string    `json:"elapsed"`
}

func listTraces(_ context.Context, d *Door, _ *call) (any, error) {
	if d.Traces == nil {
		return nil, notRunning()
	}
	out := []TraceLine{}
	for _, t := range d.Traces() {
		out = append(out, TraceLine{t.ID, t.Started, t.Method, t.URL, t.Subscription, t.Status, t.Elapsed})
	}
	return out, nil
}

func showTrace(_ context.Context, d *Door, c *call) (any, error) {
	if d.Trace == nil {
		return nil, notRunning()
	}
	t := d.Trace(c.target)
	if t == nil {
		return nil, &Error{
			Status: http.StatusNotFound, Message: "there is no trace of the request " + c.target,
			Mend: "traces are kept for ten minutes; the request has to ask for one, and policies.trace of cloister.yaml to name its subscription",
		}
	}
	return t, nil
}

// Traces lists the latest traced requests.
func (c *Client) Traces(ctx context.Context) ([]TraceLine, error) {
	var t []TraceLine
	return t, c.call(ctx, http.MethodGet, "/v1/traces", nil, &t)
}

// Trace is what policies did with a request.
func (c *Client) Trace(ctx context.Context, id string) (policy.Trace, error) {
	var t policy.Trace
	return t, c.call(ctx, http.MethodGet, "/v1/traces/"+url.PathEscape(id), nil, &t)
}
