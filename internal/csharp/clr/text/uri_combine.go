package text

import "strings"

// combine reads a reference against a base, as new Uri(base, relative): rel is
// the reference as it was read alone.
func combine(base, rel *Uri) (*Uri, uriError) {
	if rel.absolute() && !(rel.implicit && !rel.dos && !rel.unc && !base.implicit) {
		return rel, uriFine
	}
	s := strings.Trim(rel.original, uriSpaces)
	switch {
	case s == "":
		return parseURI(base.ToString(), absoluteURI, base.dontEscape)
	case s[0] == '#' && !base.implicit:
		return parseURI(base.left(3)+s, absoluteURI, rel.dontEscape)
	case s[0] == '?' && !base.implicit && base.syntax.query:
		return parseURI(base.left(2)+s, absoluteURI, rel.dontEscape)
	}
	joined, known := sameScheme(base, s)
	if !known {
		if joined == "" {
			return parseURI(base.original, absoluteURI, base.dontEscape)
		}
		joined = base.join(joined)
	}
	return parseURI(joined, absoluteURI, rel.dontEscape)
}

// sameScheme takes the base's own scheme off a reference, as old clients write
// it: http:page. Known: it has another scheme and is no relative one.
func sameScheme(base *Uri, s string) (rest string, known bool) {
	i := strings.IndexAny(s, "/\\?#:")
	if i < 2 || s[i] != ':' {
		return s, false
	}
	syntax := syntaxOf(s[:i])
	switch {
	case syntax == nil:
		return s, false
	case syntax.name == base.syntax.name:
		return s[i+1:], false
	}
	return s, true
}

// server is the scheme and the authority.
func (u *Uri) server() string {
	host := u.hostText()
	if u.kind == v6Host {
		host = "[" + u.safeHost() + "]"
	}
	return u.start() + u.userAt(u.user) + host + u.portText()
}

// join puts a relative path, which is not empty, in the place of the base's.
func (u *Uri) join(s string) string {
	slash := s[0] == '/' || s[0] == '\\' && u.syntax.slashes
	switch {
	case slash && u.syntax == fileSyntax && len(s) > 1 && isSlash(s[1]):
		if u.implicit {
			return s
		}
		return "file:" + s
	case slash && u.dos:
		return u.start() + "/" + u.path[:2] + s
	case slash && u.implicit && !u.unc:
		return s
	case slash && len(s) > 1 && s[1] == '/':
		return u.syntax.name + ":" + s
	case slash:
		return u.server() + "/" + s[1:]
	}
	path := unescapeSafe(u.path, false)
	if u.implicit {
		path = unescapeAll(u.path)
	}
	path = path[:strings.LastIndexByte(path, '/')+1]
	end := len(s)
	if !u.implicit {
		if i := strings.IndexByte(s, '#'); i >= 0 {
			end = i
		}
		if i := strings.IndexByte(s[:end], '?'); i >= 0 && u.syntax.query {
			end = i
		}
	}
	path += s[:end]
	if u.syntax.slashes {
		path = strings.ReplaceAll(path, "\\", "/")
	}
	if u.syntax.compress {
		path = compressPath(path)
	}
	if u.implicit && !u.dos && !u.unc {
		return path + s[end:]
	}
	return u.server() + u.slashPath(path) + s[end:]
}

// relativeTo is the reference that leads from u to v, where they are on one
// server.
func (u *Uri) relativeTo(v *Uri) (string, bool) {
	if u.syntax.name != v.syntax.name || u.host != v.host || u.port != v.port {
		return "", false
	}
	return pathDifference(u.path, v.path, u.unc || u.dos), true
}

func pathDifference(from, to string, ignoreCase bool) string {
	i, slash := 0, -1
	for i < len(from) && i < len(to) {
		c, d := from[i], to[i]
		if c != d && !(ignoreCase && upperByte(c) == upperByte(d)) {
			break
		}
		if c == '/' {
			slash = i
		}
		i++
	}
	switch {
	case i == 0:
		return to
	case i == len(from) && i == len(to):
		return ""
	}
	up := strings.Count(from[i:], "/")
	if up == 0 && len(to)-1 == slash {
		return "./"
	}
	return strings.Repeat("../", up) + to[slash+1:]
}

// baseOf is IsBaseOf(v), an absolute one.
func (u *Uri) baseOf(v *Uri) bool {
	if u.syntax.name != v.syntax.name {
		return false
	}
	return subPath(u.ToString(), v.ToString(), u.unc || u.dos)
}

func subPath(self, other string, ignoreCase bool) bool {
	same := true
	i := 0
	for ; i < len(self) && i < len(other); i++ {
		c, d := self[i], other[i]
		if c == '?' || c == '#' {
			return true
		}
		if c == '/' {
			if d != '/' || !same {
				return false
			}
			continue
		}
		if d == '?' || d == '#' {
			break
		}
		same = same && (c == d || ignoreCase && upperByte(c) == upperByte(d))
	}
	for ; i < len(self); i++ {
		switch self[i] {
		case '?', '#':
			return true
		case '/':
			return false
		}
	}
	return true
}
