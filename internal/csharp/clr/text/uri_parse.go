package text

import (
	"strings"
)

// uriError is a message of UriFormatException; those of uriRelative are no
// errors where a relative reference may stand.
type uriError string

const (
	uriFine          uriError = ""
	uriBadFormat     uriError = "Invalid URI: The format of the URI could not be determined."
	uriBadScheme     uriError = "Invalid URI: The URI scheme is not valid."
	uriBadAuthority  uriError = "Invalid URI: The Authority/Host could not be parsed."
	uriEmpty         uriError = "Invalid URI: The URI is empty."
	uriSchemeTooLong uriError = "Invalid URI: The Uri scheme is too long."
	uriTooLong       uriError = "Invalid URI: The Uri string is too long."
	uriMustRoot      uriError = `Invalid URI: A Dos path must be rooted, for example, 'c:\\'.`
	uriBadHost       uriError = "Invalid URI: The hostname could not be parsed."
	uriBadPort       uriError = "Invalid URI: Invalid port specified."
	uriBadSequence   uriError = "Invalid URI: There is an invalid sequence in the string."
	uriNotRelative   uriError = "A relative URI cannot be created because the 'uriString' parameter represents an absolute URI."
)

func (e uriError) relative() bool {
	return e == uriBadFormat || e == uriBadScheme || e == uriBadAuthority || e == uriEmpty
}

// uriKind is a System.UriKind.
type uriKind int

const (
	anyURI uriKind = iota
	absoluteURI
	relativeURI
)

// mostURI is where .NET stops to read URIs, in code units.
const mostURI = 0xFFF0

const uriSpaces = " \n\r\t"

// parseURI reads s as new Uri(s, kind) does; dontEscape says that it is escaped
// already.
func parseURI(s string, kind uriKind, dontEscape bool) (*Uri, uriError) {
	u := &Uri{original: s, text: s, dontEscape: dontEscape, port: -1}
	syntax, rest, err := u.readScheme(s)
	if err != uriFine && !err.relative() {
		return nil, err
	}
	u.unicode = needsIRI(s)
	if err == uriFine && u.implicit && kind == relativeURI {
		err, u.unicode = uriBadFormat, false
	}
	if err == uriFine {
		err = u.readAll(syntax, rest)
		if err == uriFine && kind == relativeURI {
			return nil, uriNotRelative
		}
	}
	switch {
	case err == uriFine:
		return u, uriFine
	case kind == absoluteURI || !err.relative():
		return nil, err
	}
	r := &Uri{original: s, text: s, dontEscape: dontEscape, unicode: u.unicode, port: -1}
	if r.unicode {
		r.text = rewriteIRI(s, ":/?#[]@", false)
	}
	return r, uriFine
}

// readScheme reads up to behind the colon, or recognises a path of a file.
func (u *Uri) readScheme(s string) (syntax *uriSyntax, rest string, err uriError) {
	if s == "" {
		return nil, "", uriEmpty
	}
	if len(s) >= mostURI && length16(s) >= mostURI {
		return nil, "", uriTooLong
	}
	s = strings.TrimLeft(s, uriSpaces)
	colon := strings.IndexByte(s, ':')
	if len(s) <= 2 || colon == 0 {
		return nil, "", uriBadFormat
	}
	switch {
	case s[1] == ':' || s[1] == '|':
		switch {
		case isLetter(s[0]) && isSlash(s[2]):
			u.implicit, u.dos, u.slashes = true, true, true
			return fileSyntax, s, uriFine
		case isLetter(s[0]):
			return nil, "", uriMustRoot
		case s[1] == ':':
			return nil, "", uriBadScheme
		}
		return nil, "", uriBadFormat
	case s[0] == '/': // a path of Unix
		u.implicit = true
		return fileSyntax, s, uriFine
	case s[0] == '\\':
		if isSlash(s[1]) {
			u.implicit, u.unc, u.slashes = true, true, true
			return fileSyntax, strings.TrimLeft(s, `\/`), uriFine
		}
		return nil, "", uriBadFormat
	case colon < 0:
		return nil, "", uriBadFormat
	case colon > mostScheme:
		return nil, "", uriSchemeTooLong
	}
	if syntax = syntaxOf(s[:colon]); syntax == nil {
		return nil, "", uriBadScheme
	}
	return syntax, s[colon+1:], uriFine
}

func length16(s string) int {
	n := 0
	eachUnit(s, func(int, uint16) bool { n++; return true })
	return n
}

// readAll reads what is behind the scheme.
func (u *Uri) readAll(syntax *uriSyntax, s string) uriError {
	u.syntax = syntax
	s = strings.TrimRight(s, uriSpaces)
	if u.implicit && !u.dos && !u.unc { // a path of Unix
		u.kind, u.slashes = basicHost, true
		u.readParts(s)
		return uriFine
	}
	s, err := u.readFilePath(s)
	if err != uriFine {
		return err
	}
	switch {
	case u.unc:
		s = strings.ReplaceAll(s, "\\", "/")
	case u.dos:
		if u.slashes {
			u.kind = basicHost
		}
		u.readParts(s)
		return uriFine
	case syntax.noAuthority || !strings.HasPrefix(s, "//") && !syntax.mailTo && !syntax.needsHost:
		u.readParts(s)
		return uriFine
	case strings.HasPrefix(s, "//") && !syntax.mailTo:
		u.slashes = true
		s = s[2:]
	case syntax.needsHost:
		return uriBadAuthority
	}
	n, err := u.readAuthority(s)
	if err != uriFine {
		return err
	}
	u.readParts(s[n:])
	return uriFine
}

// readFilePath recognises a drive or a share behind "file:".
func (u *Uri) readFilePath(s string) (string, uriError) {
	if !u.syntax.dosPath || u.implicit {
		return s, uriFine
	}
	path := strings.TrimLeft(s, `/\`)
	n := len(s) - len(path)
	switch {
	case !u.syntax.fileLike && n > 3:
	case len(path) > 1 && isLetter(path[0]) && (path[1] == ':' || path[1] == '|'):
		if len(path) < 3 || !isSlash(path[2]) {
			if u.syntax.fileLike {
				return s, uriMustRoot
			}
			return s, uriFine
		}
		u.dos, u.slashes = true, n >= 2 || u.syntax.needsHost
		return path, uriFine
	case u.syntax.fileLike && n >= 2 && n != 3 && path != "" && path[0] != '?' && path[0] != '#':
		u.slashes = true
		if n > 3 {
			return "//" + path, uriFine
		}
	}
	return s, uriFine
}

// readAuthority reads user, host and port at the beginning of s; n is how long
// they are.
func (u *Uri) readAuthority(s string) (n int, err uriError) {
	if s == "" || strings.IndexByte("/#?", s[0]) >= 0 {
		if !u.syntax.emptyHost || u.implicit {
			return 0, uriBadHost
		}
		u.kind = basicHost
		return 0, uriFine
	}
	if u.syntax.user {
		if i := strings.IndexAny(s, "@?#/\\"); i >= 0 && i < len(s)-1 && s[i] == '@' {
			u.hasUser, u.user = true, s[:i]
			n = i + 1
			if u.unicode {
				u.user = rewriteIRI(u.user, "/?#[]@", false)
			}
		}
	}
	end := n + u.readHost(s[n:])
	if u.kind != noHost {
		if end < len(s) && strings.IndexByte("/?#:", s[end]) < 0 {
			u.kind = noHost
		} else if end < len(s) && s[end] == ':' {
			return u.readPort(s, end)
		}
	}
	if u.kind == noHost {
		return 0, uriBadHost
	}
	u.port = u.syntax.port
	return end, uriFine
}

func (u *Uri) readPort(s string, at int) (int, uriError) {
	if !u.syntax.portAllowed {
		return 0, uriBadHost
	}
	port, i := 0, at+1
	for ; i < len(s) && strings.IndexByte("/?#", s[i]) < 0; i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, uriBadPort
		}
		if port = port*10 + int(s[i]-'0'); port > 0xFFFF {
			return 0, uriBadPort
		}
	}
	if u.port = port; i == at+1 {
		u.port = u.syntax.port
	}
	return i, uriFine
}

// readParts reads path, query and fragment, which s is.
func (u *Uri) readParts(s string) {
	if u.port < 0 {
		u.port = u.syntax.port
	}
	if !u.implicit {
		if i := strings.IndexByte(s, '#'); i >= 0 {
			s, u.fragment = s[:i], s[i:]
		}
		if i := strings.IndexByte(s, '?'); i >= 0 && u.syntax.query {
			s, u.rawQuery = s[:i], s[i:]
		}
	}
	u.rawPath = s
	if u.unicode {
		u.rawPath = rewriteIRI(u.rawPath, "/?#[]", false)
		u.rawQuery = rewriteIRI(u.rawQuery, "#[]", true)
		u.fragment = rewriteIRI(u.fragment, "#[]", false)
	}
	u.escapeParts()
}

func (u *Uri) escapeParts() {
	path := u.rawPath
	if u.slashes && !u.dos && !strings.HasPrefix(path, "/") && !(u.syntax.slashes && strings.HasPrefix(path, "\\")) {
		path = "/" + path
	}
	if u.dos && path[1] == '|' {
		path = path[:1] + ":" + path[2:]
	}
	if u.syntax.slashes {
		path = strings.ReplaceAll(path, "\\", "/")
	}
	if u.syntax.unescapeDots && !u.implicit {
		path = unescapeDots(path)
	}
	if u.syntax.compress && u.slashes {
		path = compressPath(path)
	}
	u.cleanPath = path
	u.path, u.query, u.frag = path, u.rawQuery, u.fragment
	if !u.dontEscape {
		u.path = escapeURI(path, "?#", !u.implicit)
		u.query = escapeURI(u.rawQuery, "", true)
		u.frag = escapeURI(u.fragment, "", true)
	}
}

// unescapeDots makes %2e and %2f what they stand for.
func unescapeDots(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var out []byte
	for i := 0; i < len(path); {
		c, ok := hexByte(path[i:])
		if ok && (c == '.' || isSlash(c)) {
			if c == '\\' {
				c = '/'
			}
			out = append(out, c)
			i += 3
			continue
		}
		out = append(out, path[i])
		i++
	}
	return string(out)
}

// compressPath takes . and .. out of a path, and what .. goes back over.
func compressPath(path string) string {
	if !strings.Contains(path, "/.") && !strings.HasPrefix(path, ".") {
		return path
	}
	rooted := strings.HasPrefix(path, "/")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	out := parts[:0]
	for i, p := range parts {
		last := i == len(parts)-1
		switch p {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, p)
		}
	}
	s := strings.Join(out, "/")
	if rooted {
		s = "/" + s
	}
	return s
}
