package audit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds in bytes of the encoded form. All members together stay below
// maxEntry, which is what a length of two bytes can say.
const (
	maxEntry   = 1<<16 - 1
	maxString  = 512
	maxReasons = 64
	maxReason  = 128
	maxDetail  = 8 << 10
	maxState   = 18 << 10
)

// encoder appends records as JSON. It is written by hand because it runs for
// every request: encoding/json takes several times as long and allocates.
type encoder struct {
	now              func() time.Time
	digest           func(kind, value string) string
	hidePrincipal    bool
	hideClient       bool
	hideSubscription bool
}

// line is a record that is being written.
type line struct {
	buf []byte
	// cut names the members that were shortened.
	cut []string
}

// append writes the record behind buf.
func (e *encoder) append(buf []byte, r *Record) []byte {
	t := r.Time
	if t.IsZero() {
		t = e.now()
	}
	l := line{buf: append(buf, `{"time":"`...)}
	l.buf = t.UTC().AppendFormat(l.buf, time.RFC3339Nano)
	l.buf = append(l.buf, '"')
	l.str("kind", r.Kind)
	l.str("action", r.Action)
	l.str("phase", r.Phase)
	l.str("actor", e.name(r.Actor))
	l.str("outcome", r.Outcome)
	l.reasons(r.Reasons)
	l.str("request_id", r.RequestID)
	e.addr(&l, "client", "client_digest", r.Client)
	e.addr(&l, "peer", "peer_digest", r.Peer)
	l.str("api", r.API)
	l.str("operation", r.Operation)
	l.str("subscription", e.subscription(r.Subscription))
	l.str("deployment", r.Deployment)
	l.str("model", r.Model)
	l.str("endpoint", r.Endpoint)
	l.num("status", r.Status)
	l.str("target", e.name(r.Target))
	l.state("before", r.Before)
	l.state("after", r.After)
	l.str("site", r.Site)
	l.bounded("detail", r.Detail, maxDetail)
	l.num("count", r.Count)
	l.truncated()
	return append(l.buf, '}')
}

// name hides what follows the first colon of an actor or target.
func (e *encoder) name(s string) string {
	if !e.hidePrincipal && !e.hideSubscription {
		return s
	}
	kind, id, ok := strings.Cut(s, ":")
	switch {
	case !ok || id == "":
		return s
	case kind == "subscription" && e.hideSubscription:
		return kind + ":" + e.digest(HideSubscription, id)
	case (kind == "token" || kind == "certificate") && e.hidePrincipal:
		return kind + ":" + e.digest(HidePrincipal, id)
	}
	return s
}

func (e *encoder) subscription(s string) string {
	if s == "" || !e.hideSubscription {
		return s
	}
	return e.digest(HideSubscription, s)
}

func (e *encoder) addr(l *line, k, hidden string, a netip.Addr) {
	switch {
	case !a.IsValid():
	case e.hideClient:
		l.str(hidden, e.digest(HideClient, a.Unmap().WithZone("").String()))
	case a.Zone() != "":
		l.str(k, a.String()) // a zone may hold anything
	default:
		l.key(k)
		l.buf = append(l.buf, '"')
		l.buf = a.AppendTo(l.buf)
		l.buf = append(l.buf, '"')
	}
}

func (l *line) key(k string) {
	l.buf = append(l.buf, ',', '"')
	l.buf = append(l.buf, k...)
	l.buf = append(l.buf, '"', ':')
}

func (l *line) str(k, s string) { l.bounded(k, s, maxString) }

func (l *line) bounded(k, s string, limit int) {
	if s == "" {
		return
	}
	l.key(k)
	l.quoted(k, s, limit)
}

func (l *line) quoted(k, s string, limit int) {
	var whole bool
	l.buf = append(l.buf, '"')
	l.buf, whole = appendEscaped(l.buf, s, limit)
	l.buf = append(l.buf, '"')
	if !whole {
		l.mark(k)
	}
}

func (l *line) num(k string, n int) {
	if n != 0 {
		l.key(k)
		l.buf = strconv.AppendInt(l.buf, int64(n), 10)
	}
}

func (l *line) reasons(rs []string) {
	if len(rs) == 0 {
		return
	}
	l.key("reasons")
	l.buf = append(l.buf, '[')
	for i, r := range rs {
		if i == maxReasons {
			l.mark("reasons")
			break
		}
		if i > 0 {
			l.buf = append(l.buf, ',')
		}
		l.quoted("reasons", r, maxReason)
	}
	l.buf = append(l.buf, ']')
}

// state writes JSON as it is, compact. What is not JSON, or longer than a
// record may be, becomes a string that begins as it does.
func (l *line) state(k string, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	l.key(k)
	if len(raw) <= 4*maxState && utf8.Valid(raw) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err == nil {
			start := len(l.buf)
			l.buf = appendHarmless(l.buf, compact.String())
			if len(l.buf)-start <= maxState {
				return
			}
			l.buf = l.buf[:start]
		}
	}
	l.quoted(k, string(raw[:min(len(raw), maxState)]), maxState)
	l.mark(k)
}

func (l *line) mark(k string) {
	if !slices.Contains(l.cut, k) {
		l.cut = append(l.cut, k)
	}
}

func (l *line) truncated() {
	if len(l.cut) == 0 {
		return
	}
	l.key("truncated")
	sep := byte('[')
	for _, k := range l.cut {
		l.buf = append(append(append(l.buf, sep, '"'), k...), '"')
		sep = ','
	}
	l.buf = append(l.buf, ']')
}
