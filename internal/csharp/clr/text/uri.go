package text

import (
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Uri is a System.Uri. It is read as a whole when it is made; .NET does so bit
// by bit, with the same answers.
type Uri struct {
	original string
	// syntax is nil for a relative reference, whose text is text.
	syntax *uriSyntax
	text   string
	// dontEscape is what a constructor was told: the text is escaped already.
	dontEscape bool
	// unicode: it has characters beyond ASCII, or escapes that need not be.
	unicode bool
	// implicit is a file's path without "file:"; dos begins with a drive.
	implicit, dos, unc bool
	// slashes: "//" is behind the scheme.
	slashes bool

	user     string // as it stands, without @
	hasUser  bool
	host     string
	scope    string // of an IPv6 host, with %
	kind     hostKind
	port     int // -1: none
	rawPath  string
	rawQuery string // with its ?
	fragment string // as it stands, with its #

	cleanPath         string // as rawPath, without \ and dots
	path, query, frag string // escaped
}

// hostKind is a UriHostNameType.
type hostKind int

const (
	noHost hostKind = iota
	basicHost
	dnsHost
	v4Host
	v6Host
)

var uriType = clr.Named("System", "Uri", 0)

// Type is Uri.
func (*Uri) Type() *clr.Type { return uriType }

func (u *Uri) absolute() bool { return u.syntax != nil }

// hostText is the host with the brackets of IPv6.
func (u *Uri) hostText() string {
	if u.kind == v6Host {
		return "[" + u.host + "]"
	}
	return u.host
}

func (u *Uri) portText() string {
	if u.port < 0 || u.port == u.syntax.port {
		return ""
	}
	return ":" + strconv.Itoa(u.port)
}

func (u *Uri) authority() string { return u.hostText() + u.portText() }

func (u *Uri) escapedUser() string {
	if u.dontEscape {
		return u.user
	}
	return escapeURI(u.user, "/\\", true)
}

// start is the scheme with what follows it before the authority.
func (u *Uri) start() string {
	if u.slashes || u.dos {
		return u.syntax.name + "://"
	}
	return u.syntax.name + ":"
}

// slashPath is the path with the slash that .NET leaves out before a drive.
func (u *Uri) slashPath(path string) string {
	if u.dos {
		return "/" + path
	}
	return path
}

func (u *Uri) userAt(text string) string {
	if u.hasUser {
		return text + "@"
	}
	return ""
}

// AbsoluteUri is the property, of an absolute one.
func (u *Uri) AbsoluteUri() string {
	return u.start() + u.userAt(u.escapedUser()) + u.authority() + u.slashPath(u.path) + u.query + u.frag
}

// ToString is what ToString() gives: as far as it is safe without escapes.
func (u *Uri) ToString() string {
	if !u.absolute() {
		return u.text
	}
	return u.start() + u.userAt(u.user) + u.authority() + u.slashPath(u.shownPath()) + u.shownQuery() + u.shownFragment()
}

// The parts as they are shown: without the escapes that are not needed. In a
// query and a fragment what needs escapes is shown without them.

func (u *Uri) shownPath() string {
	switch {
	case !u.implicit:
		return unescapeSafe(mendPercent(escapeMarks.Replace(u.cleanPath)), false)
	case u.unicode || !lookAt(u.rawPath, "?#").escaped():
		return unescapeSafe(u.path, false)
	}
	return u.cleanPath
}

// escapeMarks escapes what would end a path.
var escapeMarks = strings.NewReplacer("?", "%3F", "#", "%23")

func (u *Uri) shownQuery() string { return unescapeSafe(mendPercent(u.rawQuery), true) }

func (u *Uri) shownFragment() string { return unescapeSafe(mendPercent(u.fragment), false) }

func (u *Uri) localPath() string {
	path := unescapeAll(u.path)
	switch {
	case u.syntax != fileSyntax:
		return path
	case u.dos:
		return strings.ReplaceAll(path, "/", "\\")
	case u.host != "" && !u.unc && !u.loopback():
		return strings.ReplaceAll("//"+u.host+path, "/", "\\")
	}
	return path
}

func (u *Uri) loopback() bool {
	switch u.kind {
	case basicHost:
		return u.host == ""
	case dnsHost:
		return u.host == "localhost" || u.host == "loopback"
	case v4Host:
		return strings.HasPrefix(u.host, "127.")
	case v6Host:
		return u.host == "::1"
	}
	return false
}

// segments are the parts of the path, each with the slash behind it.
func (u *Uri) segments() []string {
	path := u.slashPath(u.path)
	var out []string
	for path != "" {
		i := strings.IndexByte(path, '/') + 1
		if i == 0 {
			i = len(path)
		}
		out = append(out, path[:i])
		path = path[i:]
	}
	return out
}

// safeHost is DnsSafeHost, names IdnHost.
func (u *Uri) safeHost() string { return u.host + u.scope }

func (u *Uri) idnHost() string {
	if u.kind != dnsHost || clr.IsASCII(u.host) {
		return u.safeHost()
	}
	if name, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(u.host); err == nil {
		return name
	}
	return u.host
}

// left is GetLeftPart(part) for 0 Scheme, 1 Authority, 2 Path, 3 Query.
func (u *Uri) left(part int) string {
	server := u.start() + u.userAt(u.escapedUser()) + u.authority()
	switch part {
	case 0:
		return u.start()
	case 1:
		if !u.slashes || u.dos {
			return ""
		}
		return server
	case 2:
		return server + u.slashPath(u.path)
	}
	return server + u.slashPath(u.path) + u.query
}

// key is what Equals compares: no user and no fragment.
func (u *Uri) key() string {
	if !u.absolute() {
		return u.original
	}
	s := u.start() + u.authority() + u.slashPath(u.shownPath()) + u.shownQuery()
	if u.unc || u.dos {
		s = ToLower(s)
	}
	return s
}

func (u *Uri) same(v *Uri) bool {
	return u == v || u.absolute() == v.absolute() && u.key() == v.key()
}
