package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
)

// RefusalCause is why the front refused, stable and kebab-case: for counters
// and records.
type RefusalCause string

// Causes. Those without a status end the connection before HTTP begins.
const (
	RefusedConnections RefusalCause = "connection-limit"
	RefusedClientCap   RefusalCause = "client-cap"
	RefusedPrefixCap   RefusalCause = "prefix-cap"
	RefusedBanned      RefusalCause = "banned"
	RefusedOverloaded  RefusalCause = "overloaded"
	RefusedByRule      RefusalCause = "security-rule"
	RefusedProxyHeader RefusalCause = "proxy-header"
	RefusedPlaintext   RefusalCause = "plaintext"
	RefusedUnknownName RefusalCause = "unknown-name"
	RefusedTLS         RefusalCause = "tls-handshake"
	RefusedSlow        RefusalCause = "too-slow"
	RefusedResets      RefusalCause = "rapid-reset"
	RefusedOverhead    RefusalCause = "protocol-overhead"

	RefusedPublic      RefusalCause = "public-access"
	RefusedFraming     RefusalCause = "framing"
	RefusedRequestLine RefusalCause = "request-line"
	RefusedField       RefusalCause = "header-field"
	RefusedHeadSize    RefusalCause = "head-size"
	RefusedTarget      RefusalCause = "target"
	RefusedTargetSize  RefusalCause = "target-size"
	RefusedMethod      RefusalCause = "method"
	RefusedVersion     RefusalCause = "http-version"
	RefusedHost        RefusalCause = "host"
	RefusedMisdirected RefusalCause = "misdirected"
	RefusedForwarded   RefusalCause = "forwarded-for"
	RefusedExpectation RefusalCause = "expectation"
	RefusedBodySize    RefusalCause = "body-size"
)

// Refusal is a connection or request that ended before "route".
type Refusal struct {
	Cause RefusalCause
	// Detail is constant text for the operator, never bytes of the caller.
	Detail string
	// Peer is the TCP peer; Client equals it unless a trusted proxy has said
	// otherwise by then.
	Peer, Client netip.Addr
	// Status of the answer; 0: the connection ended without one.
	Status int
}

// frontError is a refusal on its way to the answer.
type frontError struct {
	status int
	cause  RefusalCause
	detail string
}

func (e *frontError) Error() string {
	return fmt.Sprintf("%s: %s", e.cause, e.detail)
}

// writeRefusal answers in API Management's form. The text is ours alone, so it
// needs no escaping beyond what strconv does for a JSON string of ASCII.
// On HTTP/1.1 the connection ends: who was misread once may be misread again.
// On HTTP/2 "close" would end the streams beside this one, which did no wrong.
func writeRefusal(w http.ResponseWriter, e *frontError, h2 bool) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if !h2 {
		h.Set("Connection", "close")
	}
	body := refusalBody(e)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	w.Write(body)
}

// publicAccess is what a service of Azure answers whose publicNetworkAccess is
// Disabled, byte for byte.
const publicAccess = `{"error":{"code":"AccessDenied","message":"Public access is disabled. Please configure private endpoint."}}`

func refusalBody(e *frontError) []byte {
	if e.cause == RefusedPublic {
		return []byte(publicAccess)
	}
	b := append([]byte(`{ "statusCode": `), strconv.Itoa(e.status)...)
	b = append(b, `, "message": `...)
	b = strconv.AppendQuote(b, e.detail)
	return append(b, ` }`...)
}
