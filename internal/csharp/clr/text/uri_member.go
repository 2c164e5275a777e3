package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var uriHooks = &clr.Hooks{
	Text: func(t *clr.Thread, v clr.Value) string { return v.O.(*Uri).chargedText(t) },
	Equal: func(_ *clr.Thread, v, o clr.Value) bool {
		return equalURIs(v.O.(*Uri), o)
	},
	Hash: func(t *clr.Thread, v clr.Value) uint64 { return t.Hash(clr.Str(v.O.(*Uri).key())) },
}

func (u *Uri) chargedText(t *clr.Thread) string {
	charge(t, u.original)
	return u.ToString()
}

// charge takes what reading or writing a URI takes.
func charge(t *clr.Thread, s string) {
	t.Allocate(8*len(s) + 64)
	t.Work(len(s) / 2)
}

func equalURIs(u *Uri, o clr.Value) bool {
	switch x := o.O.(type) {
	case *Uri:
		return u.same(x)
	case *clr.Type:
		if x != clr.String {
			return false
		}
		v, err := parseURI(o.S, anyURI, false)
		return err == uriFine && u.same(v)
	}
	return false
}

// newURI reads a URI or throws.
func newURI(c *clr.Call, s string, kind uriKind, dontEscape bool) clr.Value {
	charge(c.Thread, s)
	u, err := parseURI(s, kind, dontEscape)
	if err != uriFine {
		c.Throw(clr.UriFormatException, string(err))
	}
	return clr.Obj(u)
}

// kindOf is argument i, a UriKind.
func kindOf(c *clr.Call, i int) uriKind {
	n := c.Int(i)
	if n < 0 || n > 2 {
		c.ThrowArgument("The value '"+c.Thread.Text(c.Args[i])+"' passed for the UriKind parameter is invalid.", "")
	}
	return uriKind(n)
}

// base is argument i, the base of a reference, an absolute one.
func baseURI(c *clr.Call, i int) *Uri {
	u := c.NotNull(i, "baseUri").(*Uri)
	if !u.absolute() {
		c.ThrowRange("baseUri", rangeMessage)
	}
	return u
}

func newCombined(c *clr.Call, base, rel *Uri) clr.Value {
	charge(c.Thread, base.original+rel.original)
	u, err := combine(base, rel)
	if err != uriFine {
		c.Throw(clr.UriFormatException, string(err))
	}
	return clr.Obj(u)
}

// relativeText reads a reference to be combined with a base.
func relativeText(c *clr.Call, i int, dontEscape bool) *Uri {
	if c.Args[i].O == nil {
		return &Uri{dontEscape: dontEscape}
	}
	charge(c.Thread, c.Args[i].S)
	u, err := parseURI(c.Args[i].S, anyURI, dontEscape)
	if err != uriFine {
		c.Throw(clr.UriFormatException, string(err))
	}
	return u
}

// try makes TryCreate of what reads the URI; false: it is none.
func try(c *clr.Call, u *Uri, err uriError, out int) clr.Value {
	if u == nil || err != uriFine {
		c.Ref(out).Set(clr.Null)
		return clr.Bool(false)
	}
	c.Ref(out).Set(clr.Obj(u))
	return clr.Bool(true)
}

var uriMakeMembers = map[string]clr.Func{
	"new System.Uri(string)": func(c *clr.Call) clr.Value { return newURI(c, c.Text(0, "uriString"), absoluteURI, false) },
	"new System.Uri(string, UriKind)": func(c *clr.Call) clr.Value {
		s := c.Text(0, "uriString")
		return newURI(c, s, kindOf(c, 1), false)
	},
	"new System.Uri(string, bool)": func(c *clr.Call) clr.Value {
		return newURI(c, c.Text(0, "uriString"), absoluteURI, c.Args[1].Bool())
	},
	"new System.Uri(Uri, string)": func(c *clr.Call) clr.Value {
		base := baseURI(c, 0)
		return newCombined(c, base, relativeText(c, 1, false))
	},
	"new System.Uri(Uri, string, bool)": func(c *clr.Call) clr.Value {
		base := baseURI(c, 0)
		return newCombined(c, base, relativeText(c, 1, c.Args[2].Bool()))
	},
	"new System.Uri(Uri, Uri)": func(c *clr.Call) clr.Value {
		base := baseURI(c, 0)
		if c.Args[1].O == nil {
			c.ThrowNull()
		}
		return newCombined(c, base, c.Args[1].O.(*Uri))
	},
	"System.Uri.TryCreate(string, UriKind, out Uri)": func(c *clr.Call) clr.Value {
		if c.Args[0].O == nil {
			return try(c, nil, uriEmpty, 2)
		}
		kind := kindOf(c, 1)
		charge(c.Thread, c.Args[0].S)
		u, err := parseURI(c.Args[0].S, kind, false)
		return try(c, u, err, 2)
	},
	"System.Uri.TryCreate(Uri, string, out Uri)": func(c *clr.Call) clr.Value {
		if c.Args[1].O == nil {
			return try(c, nil, uriEmpty, 2)
		}
		charge(c.Thread, c.Args[1].S)
		rel, err := parseURI(c.Args[1].S, anyURI, false)
		if err != uriFine {
			return try(c, nil, err, 2)
		}
		return tryCombined(c, rel)
	},
	"System.Uri.TryCreate(Uri, Uri, out Uri)": func(c *clr.Call) clr.Value {
		rel, _ := c.Args[1].O.(*Uri)
		return tryCombined(c, rel)
	},
}

func tryCombined(c *clr.Call, rel *Uri) clr.Value {
	base, _ := c.Args[0].O.(*Uri)
	if base == nil || rel == nil || !base.absolute() {
		return try(c, nil, uriEmpty, 2)
	}
	charge(c.Thread, base.original+rel.original)
	u, err := combine(base, rel)
	return try(c, u, err, 2)
}

// part makes a property that only an absolute URI has.
func part(f func(c *clr.Call, u *Uri) clr.Value) clr.Func {
	return func(c *clr.Call) clr.Value { return f(c, absoluteOf(c, c.Args[0])) }
}

func absoluteOf(c *clr.Call, v clr.Value) *Uri {
	u := v.O.(*Uri)
	if !u.absolute() {
		c.Throw(clr.InvalidOperationException, "This operation is not supported for a relative URI.")
	}
	charge(c.Thread, u.original)
	return u
}

// textPart is a property that is a text.
func textPart(f func(u *Uri) string) clr.Func {
	return part(func(_ *clr.Call, u *Uri) clr.Value { return clr.Str(f(u)) })
}

func boolPart(f func(u *Uri) bool) clr.Func {
	return part(func(_ *clr.Call, u *Uri) clr.Value { return clr.Bool(f(u)) })
}

var uriMembers = map[string]clr.Func{
	"System.Uri.AbsolutePath":  textPart(func(u *Uri) string { return u.path }),
	"System.Uri.AbsoluteUri":   textPart((*Uri).AbsoluteUri),
	"System.Uri.Authority":     textPart((*Uri).authority),
	"System.Uri.DnsSafeHost":   textPart((*Uri).safeHost),
	"System.Uri.IdnHost":       textPart((*Uri).idnHost),
	"System.Uri.Fragment":      textPart(func(u *Uri) string { return u.frag }),
	"System.Uri.Host":          textPart((*Uri).hostText),
	"System.Uri.LocalPath":     textPart((*Uri).localPath),
	"System.Uri.PathAndQuery":  textPart(func(u *Uri) string { return u.path + u.query }),
	"System.Uri.Query":         textPart(func(u *Uri) string { return u.query }),
	"System.Uri.Scheme":        textPart(func(u *Uri) string { return u.syntax.name }),
	"System.Uri.UserInfo":      textPart((*Uri).escapedUser),
	"System.Uri.IsDefaultPort": boolPart(func(u *Uri) bool { return u.port == u.syntax.port }),
	"System.Uri.IsFile":        boolPart(func(u *Uri) bool { return u.syntax == fileSyntax }),
	"System.Uri.IsLoopback":    boolPart((*Uri).loopback),
	"System.Uri.IsUnc":         boolPart(func(u *Uri) bool { return u.unc }),
	"System.Uri.Port":          part(func(_ *clr.Call, u *Uri) clr.Value { return clr.Int(int32(u.port)) }),
	"System.Uri.HostNameType":  part(func(c *clr.Call, u *Uri) clr.Value { return clr.Number(c.Result, int64(u.kind)) }),
	"System.Uri.Segments": part(func(c *clr.Call, u *Uri) clr.Value {
		var out []clr.Value
		for _, s := range u.segments() {
			out = append(out, clr.Str(s))
		}
		return c.ArrayValue(clr.String, out)
	}),
	"System.Uri.GetLeftPart(UriPartial)": part(func(c *clr.Call, u *Uri) clr.Value {
		if c.Int(1) < 0 || c.Int(1) > 3 {
			c.ThrowArgument("part", "")
		}
		return clr.Str(u.left(c.Int(1)))
	}),
	"System.Uri.GetComponents(UriComponents, UriFormat)": func(c *clr.Call) clr.Value {
		return clr.Str(components(c, c.Args[0].O.(*Uri), int64(c.Args[1].Int()), c.Int(2)))
	},

	"System.Uri.IsAbsoluteUri":  func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O.(*Uri).absolute()) },
	"System.Uri.OriginalString": func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Uri).original) },
	"System.Uri.UserEscaped":    func(c *clr.Call) clr.Value { return clr.Bool(c.Args[0].O.(*Uri).dontEscape) },
	"System.Uri.ToString()":     func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Uri).chargedText(c.Thread)) },
	"System.Uri.GetHashCode()":  func(c *clr.Call) clr.Value { return clr.Int(int32(c.Hash(c.Args[0]))) },
	"System.Uri.Equals(object)": func(c *clr.Call) clr.Value {
		charge(c.Thread, c.Args[0].O.(*Uri).original)
		return clr.Bool(equalURIs(c.Args[0].O.(*Uri), c.Args[1]))
	},
	"System.Uri.IsWellFormedOriginalString()": func(c *clr.Call) clr.Value {
		u := c.Args[0].O.(*Uri)
		charge(c.Thread, u.original)
		return clr.Bool(u.wellFormed())
	},
	"System.Uri.IsBaseOf(Uri)": func(c *clr.Call) clr.Value {
		u, v := c.Args[0].O.(*Uri), c.NotNull(1, "uri").(*Uri)
		if !u.absolute() {
			return clr.Bool(false)
		}
		charge(c.Thread, u.original+v.original)
		if !v.absolute() {
			joined, err := combine(u, v)
			if err != uriFine {
				return clr.Bool(false)
			}
			v = joined
		}
		return clr.Bool(u.baseOf(v))
	},
	"System.Uri.MakeRelativeUri(Uri)": func(c *clr.Call) clr.Value {
		v := c.NotNull(1, "uri").(*Uri)
		u := absoluteOf(c, c.Args[0])
		absoluteOf(c, c.Args[1])
		s, ok := u.relativeTo(v)
		if !ok {
			return c.Args[1]
		}
		if i := strings.IndexAny(s, ":/\\?#"); i >= 0 && s[i] == ':' && !(v.dos && v.path == s) {
			s = "./" + s
		}
		return newURI(c, s+v.query+v.frag, relativeURI, false)
	},
	"System.Uri.MakeRelative(Uri)": func(c *clr.Call) clr.Value {
		v := c.NotNull(1, "toUri").(*Uri)
		u := absoluteOf(c, c.Args[0])
		absoluteOf(c, c.Args[1])
		if s, ok := u.relativeTo(v); ok {
			return clr.Str(s)
		}
		return clr.Str(v.ToString())
	},
}
