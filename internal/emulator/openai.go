package emulator

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/secret"
)

// OpenAIOptions configure an emulated Azure OpenAI resource. The zero value has
// the default deployments and lets nobody in.
type OpenAIOptions struct {
	// Keys are the resource's API keys.
	Keys []secret.Value
	// VerifyToken judges a bearer token; nil: none is accepted. An error that
	// is a [*PermissionError] is answered as a missing data action.
	VerifyToken func(ctx context.Context, token string) error
	// DisableLocalAuth refuses API keys, as disableLocalAuth does.
	DisableLocalAuth bool
	// Deployments; nil: [DefaultDeployments].
	Deployments []Deployment
	// Region is the header x-ms-region; default "Emulated".
	Region string
	// Knobs hold for all requests that do not set their own.
	Knobs Knobs
	// Now and Rand default to time.Now and crypto/rand. Rand has to be safe for
	// concurrent use, as crypto/rand is.
	Now  func() time.Time
	Rand io.Reader
}

// PermissionError is a principal's lack of the data action that an operation
// needs.
type PermissionError struct {
	// ObjectID is the principal's object id.
	ObjectID string
}

func (e *PermissionError) Error() string {
	return "the principal " + e.ObjectID + " lacks the data action"
}

// Deployment is a model under a name.
type Deployment struct {
	Name string
	// Model and Version, such as "gpt-4o" and "2024-08-06".
	Model, Version string
	// Dimensions of its vectors; 0: it writes text.
	Dimensions int
	// TokensPerMinute and RequestsPerMinute are the rate limits; 0: none, and
	// the headers report those of a large deployment.
	TokensPerMinute, RequestsPerMinute int
}

// ModelID is the name that answers give: model and version.
func (d *Deployment) ModelID() string {
	if d.Version == "" {
		return d.Model
	}
	return d.Model + "-" + d.Version
}

// DefaultDeployments are gpt-4o, gpt-4o-mini and text-embedding-3-small, each
// under its model's name.
func DefaultDeployments() []Deployment {
	return []Deployment{
		{Name: "gpt-4o", Model: "gpt-4o", Version: "2024-08-06"},
		{Name: "gpt-4o-mini", Model: "gpt-4o-mini", Version: "2024-07-18"},
		{Name: "text-embedding-3-small", Model: "text-embedding-3-small", Dimensions: 1536},
	}
}

// OpenAI is an emulated Azure OpenAI resource. It is safe for concurrent use.
type OpenAI struct {
	opt         OpenAIOptions
	deployments map[string]*deployment
	order       []*deployment
	responses   responseStore

	requests, active, cancelled, received atomic.Int64
}

// deployment is a Deployment and its running count.
type deployment struct {
	Deployment
	limit rateLimit
}

// NewOpenAI returns an emulated Azure OpenAI resource.
func NewOpenAI(opt OpenAIOptions) *OpenAI {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.Region == "" {
		opt.Region = "Emulated"
	}
	if opt.Deployments == nil {
		opt.Deployments = DefaultDeployments()
	}
	s := &OpenAI{opt: opt, deployments: map[string]*deployment{}}
	for _, d := range opt.Deployments {
		e := &deployment{Deployment: d}
		s.deployments[d.Name] = e
		s.order = append(s.order, e)
	}
	return s
}

// Requests returns how many requests have come in, refused ones included.
func (s *OpenAI) Requests() int64 { return s.requests.Load() }

// ReceivedBytes returns how many bytes of bodies have been read.
func (s *OpenAI) ReceivedBytes() int64 { return s.received.Load() }

// Active returns how many requests are being answered.
func (s *OpenAI) Active() int64 { return s.active.Load() }

// Cancelled returns how many callers went away before their answer's end. The
// emulator stops work at once then.
func (s *OpenAI) Cancelled() int64 { return s.cancelled.Load() }

// call is one request on its way.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	op    *openai.Operation
	knobs Knobs
	// d is the deployment; nil for operations on the resource.
	d  *deployment
	id string
}

// ServeHTTP answers a request in the service's order: identify, version,
// deployment, limits, operation.
func (s *OpenAI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.active.Add(1)
	defer s.active.Add(-1)
	c := &call{w: w, r: r, id: s.uuid()}
	err := s.serve(c)
	if r.Context().Err() != nil {
		s.cancelled.Add(1)
	}
	if err != nil {
		c.fail(err)
	}
}

func (s *OpenAI) serve(c *call) error {
	s.setHeaders(c)
	var err error
	if c.knobs, err = s.opt.Knobs.with(c.r.Header); err != nil {
		return err
	}
	var name string
	var ok bool
	c.op, name, ok = openai.Match(c.r.Method, c.r.URL.EscapedPath())
	if !ok {
		return errNotFound()
	}
	if err := s.authenticate(c); err != nil {
		return err
	}
	if err := checkVersion(c); err != nil {
		return err
	}
	if err := c.injected(); err != nil {
		return err
	}
	if c.op.Surface == openai.SurfaceDeployment {
		if c.d = s.deployments[name]; c.d == nil {
			return errDeploymentNotFound()
		}
	}
	return s.dispatch(c)
}

// dispatch calls the operation. What has no case is not emulated.
func (s *OpenAI) dispatch(c *call) error {
	path := c.r.Method + " " + c.op.Name
	switch path {
	case "POST chat/completions":
		return s.chat(c)
	case "POST completions":
		return s.completions(c)
	case "POST embeddings":
		return s.embeddings(c)
	case "POST responses":
		return s.createResponse(c)
	case "GET responses/{id}", "DELETE responses/{id}", "POST responses/{id}/cancel", "GET responses/{id}/input_items":
		return s.storedResponse(c, path)
	case "GET models", "GET models/{id}":
		return s.models(c)
	case "GET realtime":
		return s.realtime(c)
	}
	return errNotFound()
}

// named finds the deployment that a body names, where the path does not.
func (s *OpenAI) named(c *call, model string) error {
	if c.d != nil {
		return nil
	}
	if model == "" {
		return errMissing("model")
	}
	if c.d = s.deployments[model]; c.d == nil {
		return errDeploymentNotFound()
	}
	return nil
}
