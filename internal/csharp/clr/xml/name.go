package xml

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// Name is an XName. Two are equal by what they hold; .NET keeps one object for
// each name, which nobody can tell but by comparing references.
type Name struct{ Local, Space string }

// Type is XName.
func (*Name) Type() *clr.Type { return NameType }

// String is ToString().
func (n *Name) String() string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

// Namespace is an XNamespace.
type Namespace struct{ URI string }

// Type is XNamespace.
func (*Namespace) Type() *clr.Type { return NamespaceType }

const nameSize = 64

func newName(t *clr.Thread, space, local string) *Name {
	verifyName(t, local)
	t.Allocate(nameSize)
	return &Name{Local: local, Space: space}
}

// expandedName is XName.Get(expandedName).
func expandedName(t *clr.Thread, s string) *Name {
	if s == "" {
		throwExpanded(t, s)
	}
	if s[0] != '{' {
		return newName(t, "", s)
	}
	end := strings.LastIndexByte(s, '}')
	if end <= 1 || end == len(s)-1 {
		throwExpanded(t, s)
	}
	return newName(t, s[1:end], s[end+1:])
}

func throwExpanded(t *clr.Thread, s string) {
	t.ThrowArgument("'"+s+"' is an invalid expanded name.", "")
}

// verifyName throws where s is no name without a colon.
func verifyName(t *clr.Thread, s string) {
	if s == "" {
		t.Throw(clr.ArgumentNullException, "The empty string '' is not a valid local name.\nParameter name: name")
	}
	t.Work(len(s) / 16)
	if n := scanName(s); n < len(s) {
		t.Throw(clr.XmlException, badName(s, n))
	}
}

// badName is what is wrong with the name s at the byte i.
func badName(s string, i int) string {
	char, code := charText(s[i:])
	if i == 0 {
		return "Name cannot begin with the '" + char + "' character, hexadecimal value " + code + "."
	}
	return "The '" + char + "' character, hexadecimal value " + code + ", cannot be included in a name."
}

// charText is how messages show the first character of s.
func charText(s string) (char, code string) {
	r, size := clr.Decode(s)
	switch {
	case r == 0:
		return ".", "0x00"
	case r >= 0x10000:
		return s[:size], fmt.Sprintf("0x%X", r)
	}
	return s[:size], fmt.Sprintf("0x%02X", r)
}

// scanName is how many bytes of s are a name without a colon.
func scanName(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < 0x80 {
			if !(asciiName[c] == 1 || asciiName[c] == 2 && i > 0) {
				return i
			}
			i++
			continue
		}
		r, size := clr.Decode(s[i:])
		if !unicode.Is(nameStart, r) && (i == 0 || !unicode.Is(nameRest, r)) {
			return i
		}
		i += size
	}
	return len(s)
}

// asciiName: 1 begins a name, 2 goes on with it.
var asciiName = func() (t [128]byte) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = 1
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = 2
		}
	}
	return
}()

// nameArg is argument i, an XName; null is nil.
func nameArg(c *clr.Call, i int) *Name {
	n, _ := c.Args[i].O.(*Name)
	return n
}

func needName(c *clr.Call, i int) *Name { return c.NotNull(i, "name").(*Name) }

func newNamespace(t *clr.Thread, uri string) clr.Value {
	t.Allocate(24)
	return clr.Obj(&Namespace{uri})
}

// sameSpace is ==, null included.
func sameSpace(a, b clr.Value) bool {
	x, _ := a.O.(*Namespace)
	y, _ := b.O.(*Namespace)
	return x == y || x != nil && y != nil && x.URI == y.URI
}

func sameName(a, b clr.Value) bool {
	x, _ := a.O.(*Name)
	y, _ := b.O.(*Name)
	return x == y || x != nil && y != nil && *x == *y
}

func nameMembers() funcs {
	const key = linq + ".XName"
	equals := func(c *clr.Call) clr.Value { return clr.Bool(sameName(c.Args[0], c.Args[1])) }
	return funcs{
		key + ".Equals(object)": equals,
		key + ".Get(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(expandedName(c.Thread, c.Text(0, "expandedName")))
		},
		key + ".Get(string, string)": func(c *clr.Call) clr.Value {
			space, local := c.Text(1, "namespaceName"), c.Text(0, "localName")
			return clr.Obj(newName(c.Thread, space, local))
		},
		key + ".GetHashCode()": hashCode,
		key + ".LocalName":     func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Name).Local) },
		key + ".Namespace": func(c *clr.Call) clr.Value {
			return newNamespace(c.Thread, c.Args[0].O.(*Name).Space)
		},
		key + ".NamespaceName": func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Name).Space) },
		key + ".ToString()":    toString,
		key + ".implicit operator XName(string)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Null
			}
			return clr.Obj(expandedName(c.Thread, c.Args[0].S))
		},
		key + ".operator !=(XName, XName)": func(c *clr.Call) clr.Value { return clr.Bool(!sameName(c.Args[0], c.Args[1])) },
		key + ".operator ==(XName, XName)": equals,
	}
}

func namespaceMembers() funcs {
	const key = linq + ".XNamespace"
	equals := func(c *clr.Call) clr.Value { return clr.Bool(sameSpace(c.Args[0], c.Args[1])) }
	fixed := func(uri string) clr.Func {
		v := clr.Obj(&Namespace{uri})
		return func(*clr.Call) clr.Value { return v }
	}
	return funcs{
		key + ".Equals(object)": equals,
		key + ".Get(string)": func(c *clr.Call) clr.Value {
			return newNamespace(c.Thread, c.Text(0, "namespaceName"))
		},
		key + ".GetHashCode()": hashCode,
		key + ".GetName(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(newName(c.Thread, c.Args[0].O.(*Namespace).URI, c.Text(1, "localName")))
		},
		key + ".NamespaceName": func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Namespace).URI) },
		key + ".None":          fixed(""),
		key + ".ToString()":    toString,
		key + ".Xml":           fixed(xmlSpace),
		key + ".Xmlns":         fixed(xmlnsSpace),
		key + ".implicit operator XNamespace(string)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				return clr.Null
			}
			return newNamespace(c.Thread, c.Args[0].S)
		},
		key + ".operator !=(XNamespace, XNamespace)": func(c *clr.Call) clr.Value { return clr.Bool(!sameSpace(c.Args[0], c.Args[1])) },
		key + ".operator +(XNamespace, string)": func(c *clr.Call) clr.Value {
			ns := c.NotNull(0, "ns").(*Namespace)
			return clr.Obj(newName(c.Thread, ns.URI, c.Text(1, "localName")))
		},
		key + ".operator ==(XNamespace, XNamespace)": equals,
	}
}
