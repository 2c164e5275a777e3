package telemetry

// MsgRequest and MsgRefused are the "msg" of the two kinds of lines.
const (
	MsgRequest = "request"
	MsgRefused = "refused before route"
)

// level is ERROR for answers of 500 and more and for streams that a backend
// broke, WARN for refusals, else INFO.
func (r *Record) level() string {
	switch {
	case r.Status >= 500 || r.Cut == CutBackend:
		return "ERROR"
	case r.Decision == Deny:
		return "WARN"
	}
	return "INFO"
}

// appendLine appends the record as one line of JSON. docs/telemetry.md lists
// the members.
func (r *Record) appendLine(buf []byte, site string) []byte {
	e := encoder{buf: buf}
	e.head(r.Time, r.level(), MsgRequest, site)
	r.encodeCaller(&e)
	r.encodeTarget(&e)
	r.encodeAnswer(&e)
	e.tail()
	return e.buf
}

func (r *Record) encodeCaller(e *encoder) {
	e.str("request_id", r.RequestID)
	e.str("trace_id", r.TraceID)
	e.str("span_id", r.SpanID)
	e.addrPort("peer", r.Peer)
	e.addr("client", r.Client)
	e.str("host", r.Host)
	e.str("protocol", r.Protocol)
	e.str("tls_version", r.TLSVersion)
	e.str("tls_curve", r.TLSCurve)
	g := e.group("principal")
	e.str("kind", r.Principal.Kind)
	e.str("id", r.Principal.ID)
	e.str("client_id", r.Principal.ClientID)
	e.str("tenant_id", r.Principal.TenantID)
	e.str("issuer", r.Principal.Issuer)
	e.str("certificate_sha256", r.Principal.CertificateSHA256)
	e.endGroup(g)
	e.str("subscription", r.Subscription)
	e.str("product", r.Product)
}

func (r *Record) encodeTarget(e *encoder) {
	e.str("api", r.API)
	e.str("revision", r.Revision)
	e.str("operation", r.Operation)
	e.str("deployment", r.Deployment)
	e.str("model", r.Model)
	g := e.group("backend")
	e.str("id", r.Backend)
	e.addrPort("address", r.BackendAddress)
	e.str("endpoint", r.BackendEndpoint)
	e.str("key_sha256", r.BackendKey)
	e.int("status", int64(r.BackendStatus))
	if r.Attempts > 1 {
		e.int("attempts", int64(r.Attempts))
	}
	e.endGroup(g)
	e.str("method", r.Method)
	e.text("path", r.Path, maxPath)
	e.list("query_names", r.QueryNames)
}

func (r *Record) encodeAnswer(e *encoder) {
	e.count("status", int64(r.Status))
	e.count("bytes_in", r.BytesIn)
	e.count("bytes_out", r.BytesOut)
	e.bool("streamed", r.Streamed)
	if r.Tokens.Known {
		g := e.group("tokens")
		e.count("prompt", int64(r.Tokens.Prompt))
		e.count("completion", int64(r.Tokens.Completion))
		e.count("total", int64(r.Tokens.Total))
		e.bool("estimated", r.Tokens.Estimated)
		e.endGroup(g)
	}
	g := e.group("duration_ms")
	e.millis("total", r.Duration)
	e.millis("backend", r.BackendDuration)
	e.millis("first_byte", r.TimeToFirstByte)
	e.endGroup(g)
	e.str("decision", string(r.Decision))
	e.list("reasons", r.Reasons)
	g = e.group("error")
	e.str("source", r.ErrorSource)
	e.str("reason", r.ErrorReason)
	e.endGroup(g)
	e.list("notes", r.Notes)
	e.str("cut", r.Cut)
}
