package text

import (
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The flags of UriComponents.
const (
	schemePart        = 1
	userPart          = 2
	hostPart          = 4
	portPart          = 8
	pathPart          = 0x10
	queryPart         = 0x20
	fragmentPart      = 0x40
	strongPort        = 0x80
	normalizedHost    = 0x100
	keepDelimiter     = 0x40000000
	serializationInfo = -1 << 31
)

// components is GetComponents: the parts in want, in a UriFormat.
func components(c *clr.Call, u *Uri, want int64, format int) string {
	switch {
	case want&serializationInfo&0xFFFFFFFF != 0 && int32(want) != serializationInfo:
		throwRangeAs("components", "UriComponents.SerializationInfoString must not be combined with other UriComponents.\nParameter name: components\nActual value was "+
			c.Thread.Text(c.Args[1])+".")
	case format&^3 != 0:
		c.ThrowRange("format", rangeMessage)
	case !u.absolute() && int32(want) == serializationInfo:
		charge(c.Thread, u.original)
		if format == 1 {
			return escapeURI(u.text, "", true)
		}
		return u.text
	}
	if format == 0 {
		c.ThrowRange("uriFormat", rangeMessage)
	}
	if u = absoluteOf(c, clr.Obj(u)); int32(want) == serializationInfo {
		want = 0x7F
	}
	w := want &^ keepDelimiter
	one := w&(w-1) == 0 && want&keepDelimiter == 0
	written := func(escaped string, query bool) string {
		switch format {
		case 1:
			return escaped
		case 2:
			return unescapeAll(escaped)
		}
		return unescapeSafe(escaped, query)
	}
	s := ""
	if w&schemePart != 0 {
		if s = u.syntax.name; !one {
			s = u.start()
		}
	}
	if w&userPart != 0 && u.hasUser {
		s += written(u.escapedUser(), false)
		if !one {
			s += "@"
		}
	}
	switch {
	case w&hostPart != 0:
		s += u.hostText()
	case w&normalizedHost != 0:
		if u.kind == v6Host {
			s += u.hostText()
		} else {
			s += u.idnHost()
		}
	}
	if port := u.portText(); w&portPart != 0 && port != "" || w&strongPort != 0 && u.port >= 0 {
		if w&(hostPart|normalizedHost) != 0 || want&keepDelimiter != 0 {
			s += ":"
		}
		s += strconv.Itoa(u.port)
	}
	if w&pathPart != 0 {
		path := written(u.path, false)
		if one && u.slashes && path != "" && path[0] == '/' {
			path = path[1:]
		} else if !one {
			path = u.slashPath(path)
		}
		s += path
	}
	if w&queryPart != 0 && u.query != "" {
		s += delimited(written(u.query, true), one)
	}
	if w&fragmentPart != 0 && u.frag != "" {
		s += delimited(written(u.frag, false), one)
	}
	return s
}

// delimited is a part with its ? or #, without it where it is the only one.
func delimited(s string, one bool) string {
	if one {
		return s[1:]
	}
	return s
}

// throwRangeAs throws ArgumentOutOfRangeException with a message that names the
// parameter itself.
func throwRangeAs(param, message string) {
	panic(&clr.Thrown{T: clr.ArgumentOutOfRangeException, Message: message, Param: param})
}
