package request

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// URL is an address as System.Uri takes it apart.
type URL struct {
	uri   *text.Uri
	query *valuesObject
	// late gives the address when somebody first looks at it; nil: it is known.
	late func() string
}

// Type is IUrl.
func (*URL) Type() *clr.Type { return urlType }

// ParseURL reads an absolute address; nil: it is none.
func ParseURL(s string) *URL {
	uri := text.ParseUri(s)
	if uri == nil {
		return nil
	}
	return &URL{uri: uri}
}

// URLFrom is an address that is asked for when somebody looks at it. One that
// cannot be read is https://localhost/.
func URLFrom(late func() string) *URL { return &URL{late: late} }

func (u *URL) of() *text.Uri {
	if u.late != nil {
		u.uri = text.ParseUri(u.late())
		if u.late = nil; u.uri == nil {
			u.uri = text.ParseUri("https://localhost/")
		}
	}
	return u.uri
}

// String is the address, with what has to be escaped escaped.
func (u *URL) String() string { return u.of().AbsoluteUri() }

func urlMembers() funcs {
	return funcs{
		"IUrl.Host":        of(func(u *URL) clr.Value { return clr.Str(u.of().Host()) }),
		"IUrl.Path":        of(func(u *URL) clr.Value { return clr.Str(u.of().AbsolutePath()) }),
		"IUrl.Port":        of(func(u *URL) clr.Value { return clr.Int(int32(u.of().Port())) }),
		"IUrl.Scheme":      of(func(u *URL) clr.Value { return clr.Str(u.of().Scheme()) }),
		"IUrl.QueryString": of(func(u *URL) clr.Value { return clr.Str(u.of().Query()) }),
		"IUrl.Query": func(c *clr.Call) clr.Value {
			u := c.Args[0].O.(*URL)
			if u.query == nil {
				q := u.of().Query()
				for len(q) > 0 && q[0] == '?' {
					q = q[1:]
				}
				u.query = &valuesObject{readForm(c.Thread, q)}
			}
			return clr.Obj(u.query)
		},
	}
}

// toUri is ToUri(): a System.Uri.
func toUri(c *clr.Call) clr.Value {
	if c.Args[0].O == nil {
		c.ThrowNull()
	}
	return clr.Obj(c.Args[0].O.(*URL).of())
}
