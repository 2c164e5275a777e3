package text

import "strings"

// uriSyntax is what .NET knows about a scheme.
type uriSyntax struct {
	name string
	port int // by default; -1: none
	// needsHost: without "//" and a host it is no URI.
	needsHost, emptyHost bool
	user, portAllowed    bool
	query                bool
	fileLike             bool // DOS paths and shares
	dosPath              bool
	slashes              bool // \ in a path becomes /
	compress             bool // a/../b
	noAuthority          bool // news:
	unescapeDots         bool
	mailTo               bool
	unknown              bool // .NET does not know the scheme
}

var fileSyntax = &uriSyntax{
	name: "file", port: -1, needsHost: true, emptyHost: true, query: true, fileLike: true, dosPath: true, slashes: true, compress: true, unescapeDots: true,
}

func webSyntax(name string, port int) *uriSyntax {
	return &uriSyntax{name: name, port: port, needsHost: true, user: true, portAllowed: true, query: true, slashes: true, compress: true}
}

var uriSyntaxes = func() map[string]*uriSyntax {
	out := map[string]*uriSyntax{"file": fileSyntax}
	for name, port := range map[string]int{"http": 80, "https": 443, "ws": 80, "wss": 443} {
		out[name] = webSyntax(name, port)
	}
	for _, s := range []*uriSyntax{
		{name: "ftp", port: 21, needsHost: true, user: true, portAllowed: true, slashes: true, compress: true},
		{name: "gopher", port: 70, needsHost: true, user: true, portAllowed: true},
		{name: "nntp", port: 119, needsHost: true, user: true, portAllowed: true},
		{name: "telnet", port: 23, needsHost: true, user: true, portAllowed: true},
		{name: "ldap", port: 389, needsHost: true, emptyHost: true, user: true, portAllowed: true, query: true},
		{name: "news", port: -1, noAuthority: true},
		{name: "uuid", port: -1, noAuthority: true},
		{name: "mailto", port: 25, emptyHost: true, user: true, portAllowed: true, query: true, mailTo: true},
		{name: "net.tcp", port: 808, needsHost: true, portAllowed: true, query: true, slashes: true, compress: true, unescapeDots: true},
		{name: "net.pipe", port: -1, needsHost: true, query: true, slashes: true, compress: true, unescapeDots: true},
	} {
		out[s.name] = s
	}
	return out
}()

// mostScheme is how long the name of a scheme may be.
const mostScheme = 1024

// syntaxOf is the syntax of a scheme; nil: its name is none.
func syntaxOf(name string) *uriSyntax {
	if !isScheme(name) {
		return nil
	}
	name = strings.ToLower(name)
	if s := uriSyntaxes[name]; s != nil {
		return s
	}
	return &uriSyntax{
		name: name, port: -1, emptyHost: true, user: true, portAllowed: true, query: true, dosPath: true, slashes: true, compress: true, unknown: true,
	}
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case c >= 'a' && c <= 'z' && s[i] < 0x80:
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'):
		default:
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isSlash(c byte) bool { return c == '/' || c == '\\' }
