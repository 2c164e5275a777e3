package telemetry

import (
	"net/netip"
	"strings"
	"time"
)

// Decision is what the frame decided about a request.
type Decision string

const (
	// Allow: the caller was let through to the policies.
	Allow Decision = "allow"
	// Deny: the frame or a policy refused the request.
	Deny Decision = "deny"
)

// Principal is who called, as far as a record tells: names and ids, never a
// credential. The zero value is nobody.
type Principal struct {
	// Kind is "subscription", "token", "certificate" or empty.
	Kind string
	// ID is oid or sub of a token, or the subscription's id; empty for a
	// certificate, which its fingerprint names.
	ID       string
	ClientID string
	TenantID string
	Issuer   string
	// CertificateSHA256 is the fingerprint of the client certificate,
	// lower-case hex.
	CertificateSHA256 string
}

// Tokens is what the model counted for one request.
type Tokens struct {
	// Known is false where no usage was reported or estimated; then the
	// numbers mean nothing and the record leaves them out.
	Known                     bool
	Prompt, Completion, Total int
	// Estimated marks numbers that the gateway counted itself, because the
	// answer did not say.
	Estimated bool
}

// Reasons why an answer ended before its end, for [Record.Cut].
const (
	CutClient  = "client"  // the caller went away
	CutBackend = "backend" // the backend ended the stream or died
	CutIdle    = "idle"    // no byte moved for streamIdleTimeout
	CutTimeout = "timeout" // requestTimeout was over
	CutDrain   = "drain"   // the gateway was stopping
	CutRevoked = "revoked" // the caller's subscription or key ended
	CutStale   = "stale"   // the shared state was silent for too long

	CutEndpoint = "endpoint" // the private endpoint's connection is approved no more
)

// Record is what one request leaves. Empty fields are left out of the line.
// Strings longer than 1 KiB (the path: 2 KiB) and lists of more than 16 are
// shortened, and the line then says "truncated": true.
type Record struct {
	// Time is when the head of the request had been read.
	Time      time.Time
	RequestID string
	// TraceID and SpanID are lower-case hex; empty when tracing is off.
	TraceID, SpanID string

	// Peer is the address of the connection, Client the address that
	// counts (see trustedProxies).
	Peer   netip.AddrPort
	Client netip.Addr
	// Host is the name that was asked for, without port.
	Host string
	// Protocol is "HTTP/1.1", "HTTP/2.0" or "websocket".
	Protocol string
	// TLSVersion and TLSCurve are the names that crypto/tls gives them.
	TLSVersion, TLSCurve string

	Principal    Principal
	Subscription string
	Product      string
	API          string
	Revision     string
	Operation    string

	// Deployment is the deployment that the URL names, Model the model that
	// the body names.
	Deployment, Model string
	// GenAIOperation is the name of the model operation in the semantic
	// conventions: "chat", "text_completion", "embeddings"; empty for
	// requests that are not calls of a model.
	GenAIOperation string

	// Backend is the id of the backend of the last attempt.
	Backend string
	// BackendAddress is the address connected to.
	BackendAddress netip.AddrPort
	// BackendEndpoint is the name of the private endpoint that leads to it; empty:
	// there is none.
	BackendEndpoint string
	// BackendKey is the SHA-256 of the public key (SPKI) of the backend's
	// certificate, lower-case hex.
	BackendKey string
	// BackendStatus is what the backend answered; 0: it did not.
	BackendStatus int
	// Attempts counts connections to backends; left out when 0 or 1.
	Attempts int

	Method string
	// Path is the path that was asked for, without query.
	Path string
	// QueryNames are the names of the query's parameters, see
	// [Record.SetQuery]. Values are never kept.
	QueryNames []string

	Status int
	// BytesIn and BytesOut are bytes of bodies, not of heads.
	BytesIn, BytesOut int64
	Tokens            Tokens
	// Streamed: the answer was a stream of events or a WebSocket.
	Streamed bool

	// Duration is from Time to the last byte of the answer;
	// BackendDuration from the first byte sent to the backend of the last
	// attempt to the last byte received; TimeToFirstByte from Time to the
	// first byte of the answer's body.
	Duration, BackendDuration, TimeToFirstByte time.Duration

	Decision Decision
	// Reasons are stable kebab-case words, the deciding one first.
	Reasons []string
	// ErrorSource and ErrorReason are LastError's, as policies see them.
	ErrorSource, ErrorReason string
	// Notes are remarks of the pipeline, such as a policy that was skipped.
	Notes []string
	// Cut says who ended the answer early; empty: it was complete.
	Cut string
}

// Bounds of one record. 16 query names are more than any operation of the
// model API has.
const (
	maxText = 1 << 10
	maxPath = 2 << 10
	maxList = 16
)

// bareParameter stands for a query parameter without "=". A key that was
// pasted there without a name must not be recorded as a name.
const bareParameter = "(bare)"

// SetQuery keeps the names of the parameters of a raw query and forgets their
// values. Names stay as they were sent, percent-encoding included.
func (r *Record) SetQuery(raw string) {
	r.QueryNames = r.QueryNames[:0]
	for raw != "" && len(r.QueryNames) <= maxList {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, _, named := strings.Cut(part, "=")
		if !named {
			name = bareParameter
		}
		r.QueryNames = append(r.QueryNames, name)
	}
}

// model is the name by which metrics and spans know the model: what the body
// names, else the deployment.
func (r *Record) model() string {
	if r.Model != "" {
		return r.Model
	}
	return r.Deployment
}
