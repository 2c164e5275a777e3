package text

import (
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// hostEnd is where the host at the beginning of s ends: an authority has no
// more of it behind these.
func hostEnd(s string) int {
	if i := strings.IndexAny(s, "/?#:"); i >= 0 {
		return i
	}
	return len(s)
}

// readHost reads the host at the beginning of an authority, without a user; n
// is how long it is, kind 0: .NET cannot read it.
func (u *Uri) readHost(s string) (n int) {
	if s != "" && s[0] == '[' {
		return u.readV6(s)
	}
	n = hostEnd(s)
	name := s[:n]
	switch {
	case name != "" && name[0] >= '0' && name[0] <= '9' && u.mayBeV4(name) && u.readV4(name):
	case isDomain(name):
		u.kind, u.host = dnsHost, ToLower(name)
	case isShareHost(name):
		u.kind, u.host = basicHost, ToLower(name)
	}
	return n
}

// mayBeV4 says that only schemes which .NET knows have short addresses.
func (u *Uri) mayBeV4(name string) bool {
	if u.syntax == nil || !u.syntax.unknown {
		return true
	}
	four, ok := dotted(name)
	return ok && string(appendDotted(nil, four)) == name
}

func (u *Uri) readV4(name string) bool {
	n, ok := parseV4(name)
	if ok {
		u.kind = v4Host
		u.host = string(appendDotted(nil, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
	}
	return ok
}

func (u *Uri) readV6(s string) int {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return 0
	}
	name, scope, scoped := strings.Cut(s[1:end], "%")
	a := address{six: true}
	if !parseGroups(name, &a.b) {
		return 0
	}
	u.kind, u.host = v6Host, a.text()
	if scoped {
		u.scope = "%" + scope
	}
	return end + 1
}

// mostLabel is how long a part of a name may be.
const mostLabel = 63

// fullStops are the dots of other scripts, which names may have in the place of
// ".".
var fullStops = strings.NewReplacer("\u3002", ".", "\uFF0E", ".", "\uFF61", ".")

// isDomain reports a name of DNS as .NET reads it: with underscores, and with
// letters of any language.
func isDomain(s string) bool {
	s = fullStops.Replace(s)
	if s == "" {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || clr.Length(label) > mostLabel {
			return false
		}
		for i, r := range label {
			switch {
			case r >= 0x80:
				if !inIRI(r, false) || unicode.IsSpace(r) {
					return false
				}
			case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			case i > 0 && (r == '-' || r == '_'):
			default:
				return false
			}
		}
	}
	return true
}

// isShareHost reports the name of a host in a share, which .NET takes where it
// is no name of DNS: -a, _a.b.
func isShareHost(s string) bool {
	valid := false
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			i++
			break
		}
		switch {
		case isLetter(c), c == '-', c == '_':
			valid = true
		case c < '0' || c > '9':
			return false
		}
	}
	if !valid {
		return false
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if !valid || s[i-1] == '.' {
				return false
			}
			valid = false
		case c == '-', c == '_':
			if !valid {
				return false
			}
		case isLetter(c), c >= '0' && c <= '9':
			valid = true
		default:
			return false
		}
	}
	return valid || s[i-1] == '.'
}

// checkHostName is Uri.CheckHostName(s): 0, or a hostKind.
func checkHostName(s string) hostKind {
	if s == "" || len(s) > 1<<15-1 {
		return noHost
	}
	var u Uri
	if s[0] == '[' {
		if u.readHost(s) == len(s) {
			return u.kind
		}
		return noHost
	}
	if u.readV4(s) {
		return v4Host
	}
	if isDomain(s) {
		return dnsHost
	}
	if u.readV6("["+s+"]") == len(s)+2 {
		return v6Host
	}
	return noHost
}
