package policy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Exchange is one request on its way through the pipeline, and its answer. It
// belongs to one goroutine.
type Exchange struct {
	// RequestID is the request's id, a lower-case UUID; "activityId" in 500s.
	RequestID string
	// Started is when the head of the request had been read.
	Started time.Time
	// ClientIP is the client's address (not the peer's), see ARCHITECTURE 3.
	ClientIP netip.Addr

	API          *site.API
	Operation    *site.Operation
	Product      *site.Product
	Subscription *Subscription
	// MatchedParameters are the template parameters of the operation, decoded.
	MatchedParameters map[string]string
	// OriginalURL is what the caller asked for: scheme, host, path, query.
	OriginalURL *url.URL

	// Request is what will be sent to the backend.
	Request Request
	// Response is nil until a backend or a policy has answered.
	Response *Response
	// User is who the subscription belongs to; nil: not known.
	User *request.User
	// Certificate is the caller's, an X509Certificate2; the zero Value: that of
	// ClientCertificate, if there is one.
	Certificate clr.Value
	// ClientCertificate is the one that the caller showed in TLS; nil: none.
	ClientCertificate *ClientCertificate
	// Deployment says where the gateway runs; nil: not known. It is shared by
	// exchanges.
	Deployment *request.Deployment
	// Model is the deployment or model that a request to the model API names;
	// empty: none.
	Model string
	// Variables are set by policies and read by expressions.
	Variables Variables
	// LastError is set while on-error runs.
	LastError *Error
	// Notes are remarks for the record, such as a policy that was skipped.
	Notes []string
	// NeedsUsage: a policy counts tokens, so that a stream has to say what it
	// cost. Whoever forwards asks for it.
	NeedsUsage bool

	// Forward sends Request to Request.Backend and sets Response. It is the
	// gateway's gate and forward step; policies have no other way out. The
	// error is an *Error.
	Forward func(ctx context.Context, x *Exchange, opt ForwardOptions) error

	// Services are what policies use of their surroundings; nil: nothing.
	Services *Services
	// Observer hears what happens; nil: nobody does.
	Observer Observer
	// Message takes what trace says, from the severity information on; nil: nobody
	// does.
	Message func(Message)
	// Buffer reads a body to its end and puts it into memory: Bytes and Length
	// are set, Stream is nil then. request: it is the request's. Nil: policies
	// read by themselves, up to [MaxBuffered].
	Buffer func(b *Body, request bool) *Error
	// Road is what the gateway does for policies that call and wait; nil: nothing.
	Road Road
	// Presented hears of each access token that a policy takes from the request,
	// before it is verified; nil: nobody does.
	Presented func(token string)
	// Vouched hears what of the caller a policy has verified. Who the caller is by
	// that is not for policies to say. Nil: nobody hears.
	Vouched func(ctx context.Context, v Vouched)
	// Minted hears of a token that a policy obtained as the gateway, before it is
	// used: it must not travel to hosts that it is not for. Nil: nobody does.
	Minted func(token secret.Value, resource string, expires time.Time)
	// Maskers know what the caller showed and what the gateway holds, which has no
	// place in texts for logs, metrics and observers. Nil: the subscription's key
	// and the headers in which callers send credentials are looked at.
	Maskers func() []*secret.Masker
	// BackendURL is the address of a backend by its id, nil for pools and
	// unknown ones; for expressions only. Nil: there is none.
	BackendURL func(id string) *url.URL

	// Caller names whoever calls, and nobody else: the partition of caches. Nil, or
	// empty: nobody is known, so that the request finds and leaves only what is for
	// everybody.
	Caller func() string
	// Permit is what the gate would say now of the caller: an answer that is there
	// already is given to nobody who would not get it from a backend. Nil: it says
	// nothing.
	Permit func() *Error

	// secrets knows the secret named values of the pipeline that runs; nil: none does.
	secrets *secret.Masker
	// own knows the credentials that the exchange came by: what policies obtained or
	// used as one, and what backends and services set.
	own secret.Masker
	// learned is the response whose head own knows; answers are those of calls that
	// it has not seen yet.
	learned *Response
	answers []heard
	// flights are the values that the request makes for others too.
	flights []string
	// ran is how many policies have run.
	ran int
	// madeBody is what is counted for bodies of the request that policies have made,
	// and madeAnswer for those of the answer madeFor.
	madeBody, madeAnswer int
	madeFor              *Response
	// making is the request that a policy makes of its own; nil: none.
	making *outgoing
	// turn is held by the goroutine that the exchange belongs to, within wait; nil
	// outside of it.
	turn sync.Locker
	// at is the statement that runs.
	at *place
	// limited: the request was refused, so that what connects is skipped.
	limited bool
	// CallBackend sends a request to a backend of the site, with its credential and
	// as far as the site allows it; of the URL path and query count, below the
	// backend's own. For services that policies ask. Nil: there is no way.
	CallBackend func(id string, req *http.Request) (*http.Response, error)

	// beforeOutbound are those who look at the answer before outbound does.
	beforeOutbound []func(context.Context) *Error
	// atEnd and afterSections are those who wait for the end, and for the answer.
	atEnd         []func(Ended)
	afterSections []func(context.Context) *Error
	// tokens are what is held of token counts.
	tokens tokenBooks
	// response and completion are what cache-lookup and the semantic lookup leave
	// for the policies that keep the answer; nil: nothing is kept.
	response   *responseLookup
	completion *completionLookup
	// kept says by which policy the response was kept, where it comes out of a
	// cache.
	kept store
	// live is what expressions run with; nil until the first one runs.
	live *live
	// promises are the headers that every answer gets.
	promises []promised
	// once is what the request has counted in quotas by key; places are those of
	// limit-concurrency that its answer holds.
	once   []*countOnce
	places []heldPlace
	// contract is that of the operation; nil: no policy asks for it.
	contract *contract
	// findings are the errors that policies found, by the variable for them.
	findings map[string][]json.RawMessage
	// allowed is the cors policy that the request satisfied, nil for none.
	allowed *corsAllowed
}

// Subscription is what policies may know of the caller's subscription.
type Subscription struct {
	ID, Name string
	// Key is the key that the caller sent; empty: it sent none.
	Key string
	// Created is zero where it is not known.
	Created time.Time
}

// Request is the request as the pipeline shapes it.
type Request struct {
	Method string
	// Backend is where it goes: the API's service URL until
	// set-backend-service says otherwise.
	Backend Target
	// Path is the escaped path below the backend's own, beginning with "/".
	Path string
	// Query is the raw query, without "?".
	Query  string
	Header http.Header
	// Body is the body, nil for none.
	Body *Body
	// Certificate is shown to the backend; nil: none.
	Certificate *tls.Certificate
}

// Target names a backend: by id (apim/backends), or by base URL.
type Target struct {
	// ID is a backend's id; empty: BaseURL counts.
	ID string
	// BaseURL has scheme, host and an optional path.
	BaseURL *url.URL
	// Pool: the backend of that id is a pool.
	Pool bool
}

// Body is a message body: buffered, or a stream that can be read once.
type Body struct {
	// Bytes is the body when Stream is nil. It is never written to.
	Bytes []byte
	// Stream is read once, by whoever forwards it; the owner closes it.
	Stream io.ReadCloser
	// Length in bytes; -1: not known (streams only).
	Length int64
	// Sent: Stream was handed to a backend and cannot be sent again.
	Sent bool
}

// Response is the answer on its way back to the caller.
type Response struct {
	StatusCode int
	// Reason is the reason phrase; empty: the standard one. It leaves the
	// gateway on HTTP/1.1 only where it differs from the standard one.
	Reason string
	Header http.Header
	Body   *Body
	// FromBackend is false for answers that a policy or the frame made.
	FromBackend bool

	// shared: it is a copy within wait, whose body is another's to close.
	shared bool
}

// ForwardOptions are the attributes of forward-request.
type ForwardOptions struct {
	// Timeout until the head of the answer; 0: the documented 300 s.
	Timeout time.Duration
	// BufferRequestBody reads the body into memory before it is sent.
	BufferRequestBody bool
	// FailOnErrorStatusCode turns 400..599 into an error.
	FailOnErrorStatusCode bool
	// BufferResponse is false where the answer must not be collected. The
	// gateway never collects an answer that no policy reads, so it has no
	// effect there.
	BufferResponse bool
}

// Error is a failure in the road or in the pipeline: what context.LastError
// shows, and the answer a caller gets when no policy says otherwise.
type Error struct {
	// Source, Reason, Message, Scope, Section, Path and PolicyID are the
	// members of context.LastError.
	Source, Reason, Message        string
	Scope, Section, Path, PolicyID string

	// Status is the answer's status: 4xx or 5xx.
	Status int
	// PublicMessage is the "message" of the answer's body.
	PublicMessage string
	// Header is added to the answer.
	Header http.Header
	// Frame marks refusals of the frame: on-error may shape headers and body,
	// the status stays an error.
	Frame bool
	// Cause is for the operator's log; callers never see it.
	Cause error

	// keepResponse: the exchange's response, a backend's, is the answer that
	// on-error begins with.
	keepResponse bool
}

func (e *Error) Error() string {
	s := e.Source + ": " + e.Reason + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }
