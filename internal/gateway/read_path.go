package gateway

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// readTarget reads path and query from the target as it was sent, not from
// net/http's reading of it, and rewrites r.URL to the canonical form.
//
// What has one meaning is brought into one form: escapes of characters that
// need none are undone, hexadecimal digits are written large. What two parsers
// could read differently is refused: empty and dot segments, in any spelling;
// "/" and "\" in escapes, but for "/" in the name of a deployment, where Azure
// has it; ";", but for the one ";rev=N" that names a revision of an API;
// control characters; escaped escapes; text that is not UTF-8.
func (call *Call) readTarget(r *http.Request) *frontError {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		// Absolute form: the gate has compared the authority with Host.
		_, rest, ok := strings.Cut(target, "://")
		if !ok || r.ProtoMajor != 1 {
			return &frontError{400, RefusedTarget, "The request target must be a path or an https URL."}
		}
		i := strings.IndexAny(rest, "/?")
		if i < 0 {
			i = len(rest)
		}
		if target = rest[i:]; !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	path, query, _ := strings.Cut(target, "?")
	if e := checkQuery(query); e != nil {
		return e
	}
	canonical, segments, e := canonicalPath(path)
	if e != nil {
		return e
	}
	call.Path, call.Segments, call.RawQuery = canonical, segments, query
	if canonical == path && len(r.RequestURI) == len(target) && (query != "" || len(path) == len(target)) {
		return nil // nothing to rewrite; net/http decodes such a path as we do
	}
	r.URL.Scheme, r.URL.Host, r.URL.User, r.URL.Fragment, r.URL.RawFragment = "", "", nil, "", ""
	r.URL.Opaque, r.URL.ForceQuery = "", false
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/"+strings.Join(segments, "/"), canonical, query
	r.RequestURI = canonical
	if query != "" {
		r.RequestURI += "?" + query
	}
	return nil
}

func checkQuery(q string) *frontError {
	for i := 0; i < len(q); i++ {
		c := q[i]
		switch {
		case c <= ' ' || c >= 0x7f || c == '#':
			return &frontError{400, RefusedTarget, "The query holds a character that must be escaped."}
		case c == ';':
			// A separator to some, a character to others.
			return &frontError{400, RefusedTarget, "The query holds a semicolon that must be escaped."}
		case c == '%':
			v, ok := escape(q, i)
			if !ok || v < ' ' && v != '\t' && v != '\n' && v != '\r' || v == 0x7f {
				return &frontError{400, RefusedTarget, "The query holds an escape that it must not."}
			}
		}
	}
	return nil
}

// escape is the byte that the escape at s[i] stands for.
func escape(s string, i int) (byte, bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
	return byte(hi<<4 | lo&15), hi >= 0 && lo >= 0
}

// canonicalPath returns a path in its one form, and its segments decoded.
func canonicalPath(path string) (string, []string, *frontError) {
	if path == "/" {
		return path, nil, nil
	}
	if !strings.HasPrefix(path, "/") {
		return "", nil, &frontError{400, RefusedTarget, "The request target must be a path or an https URL."}
	}
	plain := isPlainPath(path)
	canonical := path
	raw := strings.Split(path[1:], "/")
	segments := raw
	if !plain {
		segments = make([]string, len(raw))
	}
	revised := false
	for i, s := range raw {
		if !plain {
			var detail string
			if raw[i], segments[i], detail = readSegment(s, isDeploymentName(segments[:i]), &revised); detail != "" {
				return "", nil, &frontError{400, RefusedTarget, detail}
			}
		}
		if detail := judgeSegment(segments[i], i == len(raw)-1); detail != "" {
			return "", nil, &frontError{400, RefusedTarget, detail}
		}
	}
	if !plain {
		canonical = "/" + strings.Join(raw, "/")
	}
	return canonical, segments, nil
}

// readSegment is canonicalSegment, with a revision set aside: one in a path,
// and none in the name of a deployment.
func readSegment(s string, deployment bool, revised *bool) (canonical, decoded, detail string) {
	revision := ""
	if !deployment && !*revised {
		s, revision = cutPathRevision(s)
		*revised = revision != ""
	}
	if canonical, decoded, detail = canonicalSegment(s, deployment); detail == "" && revision != "" {
		detail = judgeSegment(decoded, true) // "..;rev=1" is ".." to who cuts it off
	}
	return canonical + revision, decoded + revision, detail
}

// cutPathRevision splits the suffix off with which API Management names a
// revision of an API, ";rev=" and one to nine digits. It is the one path
// parameter that has a meaning here.
func cutPathRevision(s string) (rest, revision string) {
	i := strings.LastIndexByte(s, ';')
	if i < 0 || !strings.HasPrefix(s[i:], ";rev=") {
		return s, ""
	}
	digits := s[i+len(";rev="):]
	if len(digits) < 1 || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return s, ""
	}
	return s[:i], s[i:]
}

// isPlainPath reports whether the path is already as canonicalSegment would
// have it: nearly all are.
func isPlainPath(path string) bool {
	for i := 0; i < len(path); i++ {
		if c := path[i]; c != '/' && !isPathByte(c) {
			return false
		}
	}
	return true
}

// isUnreserved is RFC 3986 section 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathByte is pchar of RFC 3986 without escapes and without ";", behind
// which some servers look for parameters.
func isPathByte(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$&'()*+,=:@", c) >= 0
}

// isDeploymentName: what follows "…/openai/deployments/".
func isDeploymentName(before []string) bool {
	n := len(before)
	return n >= 2 && strings.EqualFold(before[n-1], "deployments") && strings.EqualFold(before[n-2], "openai")
}

// canonicalSegment returns a segment in its one form and decoded, or what is
// wrong with it.
func canonicalSegment(s string, slashes bool) (canonical, decoded, detail string) {
	var c, d strings.Builder
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b != '%' {
			if !isPathByte(b) {
				return "", "", "The path holds a character that it must not."
			}
			c.WriteByte(b)
			d.WriteByte(b)
			continue
		}
		v, ok := escape(s, i)
		if !ok {
			return "", "", "The path holds a broken escape."
		}
		if !mayEscape(v, slashes) {
			return "", "", "The path holds an escape that it must not."
		}
		d.WriteByte(v)
		if isUnreserved(v) {
			c.WriteByte(v)
		} else {
			c.WriteString("%" + strings.ToUpper(s[i+1:i+3]))
		}
		i += 2
	}
	decoded = d.String()
	switch {
	case !utf8.ValidString(decoded):
		return "", "", "The path is not UTF-8."
	case holdsEscape(decoded):
		return "", "", "The path holds an escape of an escape."
	}
	return c.String(), decoded, ""
}

// holdsEscape reports whether what was decoded could be decoded again.
func holdsEscape(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if _, ok := escape(s, i); ok {
				return true
			}
		}
	}
	return false
}

// mayEscape judges one escaped byte.
func mayEscape(v byte, slashes bool) bool {
	switch {
	case v < ' ' || v == 0x7f || v == '\\' || v == ';':
		return false
	case v == '/':
		return slashes
	}
	return true
}

// judgeSegment refuses, decoded, what a path is walked by.
func judgeSegment(s string, last bool) string {
	if s == "" && !last {
		return "The path holds an empty segment."
	}
	if strings.IndexByte(s, '/') < 0 {
		if s == "." || s == ".." {
			return "The path holds a dot segment."
		}
		return ""
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." {
			return "The path holds a dot segment."
		}
	}
	return ""
}
