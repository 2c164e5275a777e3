package gateway

import (
	"net/http"
	"net/netip"
	"strings"
)

// readClient takes the caller's address from X-Forwarded-For, hops entries
// from the right: the last was written by our proxy, the one before by the
// proxy before it, and what stands left of them anybody may have written.
// With hops 0 the connection's own address stands.
func (call *Call) readClient(h http.Header, hops int) *frontError {
	if hops == 0 {
		return nil
	}
	rest := strings.Join(h["X-Forwarded-For"], ",")
	for ; hops > 0; hops-- {
		entry := rest
		i := strings.LastIndexByte(rest, ',')
		if i >= 0 {
			entry, rest = rest[i+1:], rest[:i]
		} else {
			rest = ""
		}
		addr, ok := parseForwarded(strings.Trim(entry, " \t"))
		if !ok {
			return &frontError{400, RefusedForwarded, "X-Forwarded-For does not say who the client is."}
		}
		call.Client = addr
	}
	return nil
}

// parseForwarded accepts an address, and an address with a port as Azure's
// application gateway writes it.
func parseForwarded(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap(), a.Zone() == ""
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), ap.Addr().Zone() == ""
	}
	return netip.Addr{}, false
}

// readFields drops what must not go further: what only a trusted proxy may
// say, names that some servers read as others, and what belongs to the hop.
func (call *Call) readFields(r *http.Request, h2, trusted bool) *frontError {
	h := r.Header
	if !h2 {
		if e := dropNamed(h); e != nil {
			return e
		}
		call.WebSocket = isWebSocket(r)
	}
	for name := range h {
		switch {
		case hopByHop(name):
			delete(h, name)
		case !trusted && isProxysWord(name):
			delete(h, name)
		case !isToken(name):
			return &frontError{400, RefusedField, "A header field name is malformed."}
		}
	}
	if call.WebSocket {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	r.Trailer = nil
	return nil
}

// isProxysWord: names that only a trusted proxy may use, and every name with
// "_", which CGI and its heirs read as "-".
func isProxysWord(name string) bool {
	return name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded") ||
		strings.IndexByte(name, '_') >= 0
}

func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Authentication-Info", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Expect":
		return true
	}
	return false
}

// isWebSocket agrees with wireHead.upgradesToWebSocket.
func isWebSocket(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && len(up) == 1 &&
		strings.EqualFold(up[0], "websocket") && connectionNames(r.Header, "Upgrade")
}

func connectionNames(h http.Header, name string) bool {
	for _, v := range h["Connection"] {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(item, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// dropNamed drops the fields that Connection names, as RFC 9110 section 7.6.1
// has it. A field that is meant for the other end is not the hop's to drop: a
// caller that says otherwise wants somebody behind us to miss it.
func dropNamed(h http.Header) *frontError {
	for _, v := range h["Connection"] {
		for item := range strings.SplitSeq(v, ",") {
			name := http.CanonicalHeaderKey(strings.Trim(item, " \t"))
			if name == "" || hopByHop(name) {
				continue
			}
			if endToEnd(name) {
				return &frontError{400, RefusedField, "Connection names a field that is not the connection's."}
			}
			delete(h, name)
		}
	}
	return nil
}

func endToEnd(name string) bool {
	switch name {
	case "Authorization", "Host", "Cookie", "Api-Key", "Accept", "Accept-Encoding", "Origin", "Range",
		"Cache-Control", "Date", "Via", "User-Agent", "Idempotency-Key", "Traceparent", "Tracestate":
		return true
	}
	return strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "Ocp-Apim-") ||
		strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Sec-") || isProxysWord(name)
}
