package policy

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/request"
)

// lazyHash is a hash of values that are made when somebody looks.
type lazyHash map[string]func() clr.Value

// Type is System.Object: no expression ever sees one.
func (lazyHash) Type() *clr.Type { return clr.ObjectType }

// Get gives a member.
func (h lazyHash) Get(_ *clr.Thread, name string) (clr.Value, bool) {
	f, ok := h[name]
	if !ok {
		return clr.Null, false
	}
	return f(), true
}

// Each goes through the members in the order of their names.
func (h lazyHash) Each(_ *clr.Thread, f func(name string, v clr.Value) bool) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !f(name, h[name]()) {
			return
		}
	}
}

// valuesHash is headers, parameters and variables: names with values.
type valuesHash struct {
	get  func(name string) (clr.Value, bool)
	each func(f func(name string, v clr.Value) bool)
}

func (*valuesHash) Type() *clr.Type { return clr.ObjectType }

func (h *valuesHash) Get(_ *clr.Thread, name string) (clr.Value, bool) { return h.get(name) }

func (h *valuesHash) Each(_ *clr.Thread, f func(name string, v clr.Value) bool) { h.each(f) }

// joinedHash are names with one or more values each, which commas join.
func joinedHash(v request.Values) clr.Value {
	return clr.Obj(&valuesHash{
		get: func(name string) (clr.Value, bool) {
			values, ok := v.Get(name)
			return clr.Str(strings.Join(values, ",")), ok
		},
		each: func(f func(name string, v clr.Value) bool) {
			v.Each(func(name string, values []string) bool { return f(name, clr.Str(strings.Join(values, ","))) })
		},
	})
}

func textMember(s *string) func() clr.Value {
	return func() clr.Value {
		if s == nil {
			return clr.Null
		}
		return clr.Str(*s)
	}
}

func written(s string) func() clr.Value { return func() clr.Value { return clr.Str(s) } }

// liquidContext is "context" as templates see it.
func (x *Exchange) liquidContext(l *live) lazyHash {
	c := &l.context
	return lazyHash{
		"Request":  x.liquidRequest(l),
		"Response": x.liquidResponse,
		"Variables": func() clr.Value {
			return clr.Obj(&valuesHash{get: x.Variables.Get, each: x.Variables.Each})
		},
		"RequestId": written(x.RequestID),
		"Timestamp": func() clr.Value { return clock.FromTime(x.Started) },
		"Api": func() clr.Value {
			a := c.API
			if a == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{
				"Id": textMember(a.ID), "Name": textMember(a.Name), "Path": textMember(a.Path), "Version": textMember(a.Version),
				"Revision": textMember(a.Revision), "IsCurrentRevision": func() clr.Value { return clr.Bool(a.IsCurrentRevision) },
				"ServiceUrl": func() clr.Value { return liquidURL(a.ServiceURL) },
			})
		},
		"Operation": func() clr.Value {
			o := c.Operation
			if o == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{
				"Id": textMember(o.ID), "Name": textMember(o.Name), "Method": textMember(o.Method), "UrlTemplate": textMember(o.URLTemplate),
			})
		},
		"Product": func() clr.Value {
			p := c.Product
			if p == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{"Id": textMember(p.ID), "Name": textMember(p.Name)})
		},
		"Subscription": func() clr.Value {
			s := c.Subscription
			if s == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{"Id": textMember(s.ID), "Name": textMember(s.Name), "Key": textMember(s.Key)})
		},
		"User": func() clr.Value {
			u := c.User
			if u == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{
				"Id": textMember(u.ID), "Email": textMember(u.Email), "FirstName": textMember(u.FirstName), "LastName": textMember(u.LastName),
				"Note": textMember(u.Note),
			})
		},
		"Deployment": func() clr.Value {
			d := c.Deployment
			if d == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{
				"Region": textMember(d.Region), "ServiceName": textMember(d.ServiceName), "ServiceId": textMember(d.ServiceID),
				"GatewayId": textMember(d.GatewayID),
			})
		},
		"LastError": func() clr.Value {
			e := x.LastError
			if e == nil {
				return clr.Null
			}
			return clr.Obj(lazyHash{
				"Source": written(e.Source), "Reason": written(e.Reason), "Message": written(e.Message), "Scope": written(e.Scope),
				"Section": written(e.Section), "Path": written(e.Path), "PolicyId": written(e.PolicyID),
			})
		},
	}
}

func (x *Exchange) liquidRequest(l *live) func() clr.Value {
	return func() clr.Value {
		r := &l.request
		return clr.Obj(lazyHash{
			"Method": written(r.Method),
			"OriginalMethod": func() clr.Value {
				if x.Operation != nil && x.Operation.Method != "" {
					return clr.Str(x.Operation.Method)
				}
				return clr.Str(r.Method)
			},
			"Url":         func() clr.Value { return liquidURL(r.URL) },
			"OriginalUrl": func() clr.Value { return liquidURL(r.OriginalURL) },
			"IpAddress":   textMember(r.IPAddress),
			"HasBody": func() clr.Value {
				return clr.Bool(x.Request.Body != nil && (x.Request.Body.Stream != nil || len(x.Request.Body.Bytes) > 0))
			},
			"Headers": func() clr.Value { return joinedHash(r.Headers) },
			"MatchedParameters": func() clr.Value {
				return clr.Obj(&valuesHash{
					get: func(name string) (clr.Value, bool) {
						for _, p := range r.MatchedParameters {
							if strings.EqualFold(p.Name, name) {
								return clr.Str(p.Value), true
							}
						}
						return clr.Null, false
					},
					each: func(f func(name string, v clr.Value) bool) {
						for _, p := range r.MatchedParameters {
							if !f(p.Name, clr.Str(p.Value)) {
								return
							}
						}
					},
				})
			},
		})
	}
}

func (x *Exchange) liquidResponse() clr.Value {
	r := x.Response
	if r == nil {
		return clr.Null
	}
	reason := r.Reason
	if reason == "" {
		reason = http.StatusText(r.StatusCode)
	}
	return clr.Obj(lazyHash{
		"StatusCode":   func() clr.Value { return clr.Int(int32(r.StatusCode)) },
		"StatusReason": written(reason),
		"Method":       written(x.Request.Method),
		"Headers":      func() clr.Value { return joinedHash(headerValues{&r.Header, ""}) },
	})
}

// liquidURL is an address with its parts.
func liquidURL(u *request.URL) clr.Value {
	if u == nil {
		return clr.Null
	}
	text := u.String()
	parts, err := url.Parse(text)
	if err != nil {
		return clr.Null
	}
	port := parts.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[parts.Scheme]
	}
	number, _ := strconv.Atoi(port)
	query := ""
	if parts.RawQuery != "" {
		query = "?" + parts.RawQuery
	}
	return clr.Obj(lazyHash{
		"Scheme": written(parts.Scheme), "Host": written(parts.Hostname()), "Path": written(parts.EscapedPath()),
		"Port":        func() clr.Value { return clr.Int(int32(number)) },
		"QueryString": written(query), "ToString": written(text), "ToUri": written(text),
		"Query": func() clr.Value { return joinedHash(queryValues(parts.RawQuery)) },
	})
}

// queryValues are the parameters of a raw query, by names without case.
type queryValues string

// Get gives the values of a name.
func (q queryValues) Get(name string) (values []string, ok bool) {
	q.Each(func(n string, v []string) bool {
		if strings.EqualFold(n, name) {
			values, ok = v, true
		}
		return !ok
	})
	return values, ok
}

// Each goes through the names, in their order.
func (q queryValues) Each(f func(name string, values []string) bool) {
	var names []string
	all := map[string][]string{}
	for pair := range strings.SplitSeq(string(q), "&") {
		if pair == "" {
			continue
		}
		name, v, _ := strings.Cut(pair, "=")
		name, v = unescaped(name), unescaped(v)
		if _, ok := all[name]; !ok {
			names = append(names, name)
		}
		all[name] = append(all[name], v)
	}
	for _, name := range names {
		if !f(name, all[name]) {
			return
		}
	}
}

// Len is the number of names.
func (q queryValues) Len() int {
	n := 0
	q.Each(func(string, []string) bool { n++; return true })
	return n
}

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}
