package request

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// fastMembers are what policies read on every request.
func fastMembers() map[string]any {
	return map[string]any{
		"IContext.Api":          objectOf(func(c *Context) *API { return c.API }),
		"IContext.Operation":    objectOf(func(c *Context) *Operation { return c.Operation }),
		"IContext.Product":      objectOf(func(c *Context) *Product { return c.Product }),
		"IContext.Request":      objectOf(func(c *Context) *Request { return c.Request }),
		"IContext.Response":     objectOf(func(c *Context) *Response { return c.Response }),
		"IContext.Subscription": objectOf(func(c *Context) *Subscription { return c.Subscription }),
		"IContext.User":         objectOf(func(c *Context) *User { return c.User }),
		"IContext.Variables":    objectOf((*Context).variablesObject),

		"IRequest.Headers":     objectOf(func(r *Request) *valuesObject { return r.headersObject(r.Headers) }),
		"IRequest.IpAddress":   stringOf(func(r *Request) (string, bool) { return orNone(r.IPAddress) }),
		"IRequest.Method":      stringOf(func(r *Request) (string, bool) { return r.Method, true }),
		"IRequest.OriginalUrl": objectOf(func(r *Request) *URL { return r.OriginalURL }),
		"IRequest.Url":         objectOf(func(r *Request) *URL { return r.URL }),
		"IResponse.Headers":    objectOf(func(r *Response) *valuesObject { return r.headersObject(r.Headers) }),

		"IUrl.Host":        stringOf(func(u *URL) (string, bool) { return u.of().Host(), true }),
		"IUrl.Path":        stringOf(func(u *URL) (string, bool) { return u.of().AbsolutePath(), true }),
		"IUrl.QueryString": stringOf(func(u *URL) (string, bool) { return u.of().Query(), true }),
		"IUrl.Scheme":      stringOf(func(u *URL) (string, bool) { return u.of().Scheme(), true }),

		"IApi.Id":          stringOf(func(a *API) (string, bool) { return orNone(a.ID) }),
		"IApi.Name":        stringOf(func(a *API) (string, bool) { return orNone(a.Name) }),
		"IOperation.Id":    stringOf(func(o *Operation) (string, bool) { return orNone(o.ID) }),
		"IProduct.Id":      stringOf(func(p *Product) (string, bool) { return orNone(p.ID) }),
		"ISubscription.Id": stringOf(func(s *Subscription) (string, bool) { return orNone(s.ID) }),
		"IUser.Id":         stringOf(func(u *User) (string, bool) { return orNone(u.ID) }),

		"ContextExtensions.GetValueOrDefault(IReadOnlyDictionary<string, string[]>, string, string)": fastValueOrDefault,
	}
}

// objectOf reads a member of a T that is an object, or null.
func objectOf[T clr.Object, P interface {
	*U
	clr.Object
}, U any](f func(T) P) func(clr.Object) clr.Object {
	return func(o clr.Object) clr.Object {
		if p := f(o.(T)); p != nil {
			return p
		}
		return nil
	}
}

// stringOf reads a member of a T that is a string, or null.
func stringOf[T clr.Object](f func(T) (string, bool)) func(clr.Object) (string, bool) {
	return func(o clr.Object) (string, bool) { return f(o.(T)) }
}

func orNone(s *string) (string, bool) {
	if s == nil {
		return "", false
	}
	return *s, true
}

// fastValueOrDefault is valueOrDefault for headers, queries and claims; ones
// that the expression made itself are not ok.
func fastValueOrDefault(t *clr.Thread, o clr.Object, key, unset string) (string, bool) {
	values, ok := o.(*valuesObject)
	if !ok {
		return "", false
	}
	t.Step()
	if found, ok := values.of.Get(key); ok {
		return joinedText(t, found), true
	}
	return unset, true
}
