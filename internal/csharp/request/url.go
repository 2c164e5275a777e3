package request

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// URL is an address as System.Uri takes it apart.
type URL struct {
	uri   *text.Uri
	query *valuesObject
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

// String is the address, with what has to be escaped escaped.
func (u *URL) String() string { return u.uri.AbsoluteUri() }

func urlMembers() funcs {
	return funcs{
		"IUrl.Host":        of(func(u *URL) clr.Value { return clr.Str(u.uri.Host()) }),
		"IUrl.Path":        of(func(u *URL) clr.Value { return clr.Str(u.uri.AbsolutePath()) }),
		"IUrl.Port":        of(func(u *URL) clr.Value { return clr.Int(int32(u.uri.Port())) }),
		"IUrl.Scheme":      of(func(u *URL) clr.Value { return clr.Str(u.uri.Scheme()) }),
		"IUrl.QueryString": of(func(u *URL) clr.Value { return clr.Str(u.uri.Query()) }),
		"IUrl.Query": func(c *clr.Call) clr.Value {
			u := c.Args[0].O.(*URL)
			if u.query == nil {
				q := u.uri.Query()
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
	return clr.Obj(c.Args[0].O.(*URL).uri)
}
