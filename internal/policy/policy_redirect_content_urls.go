package policy

import (
	"bytes"
	"context"
	"net/url"
	"strconv"
	"strings"
)

func redirectContentURLsEntry() entry {
	return entry{
		name: "redirect-content-urls", sections: inOut, scopes: everyScope,
		does: "the backend's links in the body",
		tier: tierB, page: page{
			intro: "Makes links to the backend in the body of the answer links to the gateway, so that nobody sees where the backend is. In\n" +
				"inbound it is the other way round.",
			example: `
<!-- outbound -->
<redirect-content-urls />`,
			behaviour: []string{
				"A link begins with http or https and the address that the request goes to, or the API's own service URL, its path included; it " +
					"becomes `https://HOST/API PATH` of the request. The rest of the link stays. Links to other paths of the backend stay too: " +
					"the gateway does not serve them.",
				"Names of hosts have no case, and a standard port may be written or left out. Slashes may be escaped, as in JSON (`https:\\/\\/`).",
				"Headers stay as they are, `Location` too; set-header changes them.",
				"The body is read whole, up to 32 MiB, whatever its Content-Type.",
				digestsBehaviour,
				"The answer to a HEAD has no length: nobody knows that of the changed body.",
			},
			differences: []string{
				partsDifference,
				"Where the request goes to a pool of backends, only links to the API's service URL are found; the record has a note.",
				"A body in gzip is unpacked, and leaves unpacked; one in another coding is an error.",
				"A second one in a section is a warning.",
			},
			errors: []errorLine{
				{"BodyMalformed", "the body is in a coding that is not known, or a part of one"},
				{"BodyTooLarge", "the body is too large, before or after"},
			},
		},
		compile: func(c *compiler, n *Node) statement {
			c.onceInSection(n)
			return &redirectContentURLs{answer: c.onAnswer()}
		},
	}
}

type redirectContentURLs struct{ answer bool }

func (s *redirectContentURLs) do(_ context.Context, x *Exchange) (flow, *Error) {
	b := x.changeBody(s.answer)
	if b == nil || x.OriginalURL == nil {
		return next, nil
	}
	backends, gateway := x.backendBases(), x.gatewayBase()
	if len(backends) == 0 {
		x.Note(x.at.String() + ": it is not known where links to the backend go")
		return next, nil
	}
	content, e := b.read()
	if e != nil {
		return stop, e
	}
	all := 0
	for _, backend := range backends {
		from, to := backend, gateway
		if !s.answer {
			from, to = gateway, backend
		}
		var n int
		content, n = redirected(content, from, strings.TrimSuffix(to.String(), "/"))
		if all += n; !s.answer {
			break // links go to one address
		}
		if len(content) > MaxBuffered {
			break
		}
	}
	if x.Observer != nil {
		x.say("redirected", strconv.Itoa(all))
	}
	if all == 0 {
		return next, nil
	}
	if e := b.put(content); e != nil {
		return stop, e
	}
	return next, nil
}

// backendBases are the addresses of the backend, where the request goes first.
func (x *Exchange) backendBases() []*url.URL {
	var out []*url.URL
	t := x.Request.Backend
	base := t.BaseURL
	if base == nil && t.ID != "" && x.BackendURL != nil {
		base = x.BackendURL(t.ID)
	}
	if base != nil {
		out = append(out, base)
	}
	if x.API != nil && x.API.ServiceURL != "" {
		if u, err := url.Parse(x.API.ServiceURL); err == nil && u.Host != "" && (base == nil || *u != *base) {
			out = append(out, u)
		}
	}
	return out
}

// gatewayBase is the address of the API: the host by which the caller came, and
// the API's path, with the version where it stands in the path.
func (x *Exchange) gatewayBase() *url.URL {
	u := &url.URL{Scheme: "https", Host: x.OriginalURL.Host}
	if x.API == nil {
		return u
	}
	if x.API.Path != "" {
		u.Path = "/" + x.API.Path
	}
	if v := x.API.Version; v != "" {
		if rest, ok := strings.CutPrefix(x.OriginalURL.Path, u.Path+"/"+v); ok && (rest == "" || rest[0] == '/') {
			u.Path += "/" + v
		}
	}
	return u
}

// redirected puts an address in the place of another one, wherever that is the
// beginning of a link.
func redirected(content []byte, from *url.URL, to string) (out []byte, n int) {
	host := []byte(strings.ToLower(from.Hostname()))
	if strings.Contains(from.Hostname(), ":") {
		host = []byte("[" + strings.ToLower(from.Hostname()) + "]")
	}
	if len(host) == 0 {
		return content, 0
	}
	lower := lowerASCII(content)
	path := strings.TrimSuffix(from.EscapedPath(), "/")
	last := 0
	for at := 0; ; {
		i := bytes.Index(lower[at:], host)
		if i < 0 {
			break
		}
		at += i
		start, scheme, escaped := linkStart(lower[last:at])
		end, ok := at+len(host), start >= 0
		if ok {
			end, ok = linkEnd(lower, end, scheme, from)
		}
		if ok {
			p := path
			if escaped {
				p = strings.ReplaceAll(p, "/", `\/`)
			}
			ok = bytes.HasPrefix(content[end:], []byte(p)) && isLinkEnd(content[end+len(p):])
			end += len(p)
		}
		if !ok {
			at++
			continue
		}
		with := to
		if escaped {
			with = strings.ReplaceAll(with, "/", `\/`)
		}
		out = append(append(out, content[last:last+start]...), with...)
		n++
		if last, at = end, end; len(out) > MaxBuffered {
			return out, n
		}
	}
	if n == 0 {
		return content, 0
	}
	return append(out, content[last:]...), n
}

func lowerASCII(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// linkStart is where a link begins whose scheme ends the text; -1: nowhere.
func linkStart(before []byte) (start int, scheme string, escaped bool) {
	rest, ok := bytes.CutSuffix(before, []byte("://"))
	if !ok {
		if rest, escaped = bytes.CutSuffix(before, []byte(`:\/\/`)); !escaped {
			return -1, "", false
		}
	}
	for _, scheme := range []string{"https", "http"} {
		if head, ok := bytes.CutSuffix(rest, []byte(scheme)); ok && (len(head) == 0 || !isLinkByte(head[len(head)-1])) {
			return len(head), scheme, escaped
		}
	}
	return -1, "", false
}

// linkEnd is where the host of a link ends with its port, if that is the
// address's.
func linkEnd(b []byte, at int, scheme string, of *url.URL) (int, bool) {
	port := standardPort(scheme)
	if at < len(b) && b[at] == ':' {
		end := at + 1
		for end < len(b) && '0' <= b[end] && b[end] <= '9' {
			end++
		}
		port = string(b[at+1 : end])
		at = end
	} else if port != standardPort(of.Scheme) && of.Port() == "" {
		port = standardPort(of.Scheme) // the other scheme, with its own port
	}
	want := of.Port()
	if want == "" {
		want = standardPort(of.Scheme)
	}
	return at, port == want
}

func standardPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// isLinkEnd reports what may follow the address in a link, or the link.
func isLinkEnd(rest []byte) bool {
	return len(rest) == 0 || strings.IndexByte("/?#\"'<>()[]{},;&\\ \t\r\n|`", rest[0]) >= 0
}

func isLinkByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
}
