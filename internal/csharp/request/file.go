package request

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
)

// FileError says what is wrong with a context file.
type FileError struct {
	// Path is the place, such as request.headers; empty: the file itself.
	Path   string
	Reason string
}

func (e *FileError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Read makes a context of a context file: a JSON object, every member of which
// may be left out. What is left out is null or empty as in API Management; a
// member that is not known is an error. The errors are [*FileError].
func Read(t *clr.Thread, data string) (c *Context, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *FileError:
			c, err = nil, p
		case *clr.LimitError:
			c, err = nil, &FileError{"", p.Error()}
		default:
			panic(p)
		}
	}()
	data = strings.TrimPrefix(data, "\ufeff")
	if !utf8.ValidString(data) {
		return nil, &FileError{"", "this is not UTF-8"}
	}
	k, thrown := json.ParseText(t, data)
	if thrown != nil {
		return nil, &FileError{"", "this is not JSON: " + thrown.Text()}
	}
	r := &fileReader{t: t}
	n := r.node("", k)
	c = r.context(n)
	return c, nil
}

type fileReader struct{ t *clr.Thread }

// node is one object of the file.
type node struct {
	r    *fileReader
	path string
	o    *json.Object
	// asked are members that something reads.
	asked []string
}

func (r *fileReader) fail(path, format string, args ...any) {
	panic(&FileError{path, fmt.Sprintf(format, args...)})
}

func (r *fileReader) node(path string, k json.Token) *node {
	o, ok := k.(*json.Object)
	if !ok {
		r.fail(path, "%s where an object belongs", kindOf(k))
	}
	return &node{r: r, path: path, o: o}
}

func kindOf(k json.Token) string {
	switch k.Kind() {
	case json.KindObject:
		return "an object"
	case json.KindArray:
		return "an array"
	case json.KindString:
		return "a string"
	case json.KindNull:
		return "null"
	case json.KindBoolean:
		return "a boolean"
	case json.KindComment:
		return "a comment"
	}
	return "a number"
}

func (n *node) at(name string) string {
	if n.path == "" {
		return name
	}
	return n.path + "." + name
}

// get is a member; nil: it is not there.
func (n *node) get(name string) json.Token {
	n.asked = append(n.asked, name)
	if n.o == nil {
		return nil
	}
	if p := n.o.Property(name); p != nil {
		return p.Value()
	}
	return nil
}

// done refuses members that nothing asked for.
func (n *node) done() {
	if n.o == nil {
		return
	}
	for _, p := range n.o.Properties() {
		if slices.Contains(n.asked, p.Name) {
			continue
		}
		mend := ""
		for _, name := range n.asked {
			if strings.EqualFold(name, p.Name) {
				mend = "; mend: " + name
			}
		}
		if mend == "" {
			mend = "; known are " + strings.Join(n.asked, ", ")
		}
		n.r.fail(n.at(p.Name), "this member is not known%s", mend)
	}
}

// text is a string; nil: it is not there, or null.
func (n *node) text(name string) *string {
	k := n.get(name)
	if k == nil || k.Kind() == json.KindNull {
		return nil
	}
	s := n.r.text(n.at(name), k)
	return &s
}

func (r *fileReader) text(path string, k json.Token) string {
	if v, ok := k.(*json.Value); ok && k.Kind() == json.KindString {
		return v.V.S
	}
	r.fail(path, "%s where a string belongs", kindOf(k))
	return ""
}

func (n *node) textOr(name, unset string) string {
	if s := n.text(name); s != nil {
		return *s
	}
	return unset
}

func (n *node) flag(name string) bool {
	k := n.get(name)
	if k == nil {
		return false
	}
	if k.Kind() != json.KindBoolean {
		n.r.fail(n.at(name), "%s where true or false belongs", kindOf(k))
	}
	return k.(*json.Value).V.Bool()
}

// number is an integer between 0 and most.
func (n *node) number(name string, unset, most int64) int {
	k := n.get(name)
	if k == nil {
		return int(unset)
	}
	v, ok := k.(*json.Value)
	if !ok || !v.V.Is(clr.Int64) || v.V.Int() < 0 || v.V.Int() > most {
		n.r.fail(n.at(name), "a whole number between 0 and %d belongs here", most)
	}
	return int(v.V.Int())
}

// child is an object inside; its members are null where it is not there.
func (n *node) child(name string) *node {
	k := n.get(name)
	if k == nil {
		return &node{r: n.r, path: n.at(name)}
	}
	return n.r.node(n.at(name), k)
}

// optional is the same; nil: it is not there, or null.
func (n *node) optional(name string) *node {
	k := n.get(name)
	if k == nil || k.Kind() == json.KindNull {
		return nil
	}
	return n.r.node(n.at(name), k)
}

// list goes through an array.
func (n *node) list(name string, f func(path string, k json.Token)) {
	k := n.get(name)
	if k == nil || k.Kind() == json.KindNull {
		return
	}
	a, ok := k.(*json.Array)
	if !ok {
		n.r.fail(n.at(name), "%s where an array belongs", kindOf(k))
	}
	for i, item := range a.Items() {
		f(fmt.Sprintf("%s[%d]", n.at(name), i), item)
	}
}

func (n *node) url(name string) *URL {
	s := n.text(name)
	if s == nil {
		return nil
	}
	u := ParseURL(*s)
	if u == nil {
		n.r.fail(n.at(name), "%q is no absolute URL, such as https://host/path?query", *s)
	}
	return u
}

func (r *fileReader) context(n *node) *Context {
	c := &Context{}
	c.Request = r.request(n.child("request"))
	if m := n.optional("response"); m != nil {
		c.Response = r.response(m)
	}
	c.Variables = r.variables(n)
	c.API = r.api(n.child("api"))
	o := n.child("operation")
	c.Operation = &Operation{o.text("id"), o.text("name"), o.text("method"), o.text("urlTemplate")}
	o.done()
	d := n.child("deployment")
	c.Deployment = &Deployment{Region: d.text("region"), ServiceName: d.text("serviceName"), ServiceID: d.text("serviceId"), GatewayID: d.text("gatewayId")}
	d.done()
	if p := n.optional("product"); p != nil {
		c.Product = &Product{ID: p.text("id"), Name: p.text("name"), Groups: r.groups(p), SubscriptionRequired: true}
		p.done()
	}
	if s := n.optional("subscription"); s != nil {
		c.Subscription = &Subscription{ID: s.text("id"), Name: s.text("name"), Key: s.text("key"), PrimaryKey: s.textOr("primaryKey", ""), SecondaryKey: s.textOr("secondaryKey", "")}
		s.done()
	}
	if u := n.optional("user"); u != nil {
		c.User = r.user(u)
	}
	if e := n.optional("lastError"); e != nil {
		c.LastError = &LastError{e.text("source"), e.text("reason"), e.text("message"), e.text("scope"), e.text("section"), e.text("path"), e.text("policyId")}
		e.done()
	}
	r.times(n, c)
	n.done()
	return c
}

func (r *fileReader) times(n *node, c *Context) {
	if s := n.text("requestId"); s != nil {
		g, err := clock.ParseGuid(*s)
		if err != nil {
			r.fail("requestId", "%q is no GUID", *s)
		}
		c.RequestID = g
	}
	if s := n.text("timestamp"); s != nil {
		c.Timestamp = clock.Time(r.moment("timestamp", *s), time.UTC)
	}
	if s := n.text("elapsed"); s != nil {
		ticks, err := clock.ParseSpan(*s)
		if err != nil {
			r.fail("elapsed", "%q is no time span, such as 00:00:00.1230000", *s)
		}
		c.Elapsed = func() time.Duration { return time.Duration(ticks) * 100 }
	}
}

// moment reads a DateTime and keeps its kind.
func (r *fileReader) moment(path, s string) clr.Value {
	ticks, kind, err := clock.Reading{Roundtrip: true, Now: func() int64 { return clock.TicksOf(time.Now()) }}.ParseDateTime(s)
	if err != nil {
		r.fail(path, "%q is no time, such as 2026-01-02T03:04:05Z", s)
	}
	return clock.DateTimeOf(ticks, kind)
}

func (r *fileReader) request(n *node) *Request {
	out := &Request{Method: n.textOr("method", "GET"), URL: n.url("url"), OriginalURL: n.url("originalUrl"), Headers: r.headers(n), IPAddress: n.text("ipAddress")}
	if out.URL == nil {
		out.URL = ParseURL("https://localhost/")
	}
	if out.OriginalURL == nil {
		out.OriginalURL = &URL{uri: out.URL.uri}
	}
	if s := n.text("body"); s != nil {
		out.Body = Text(*s)
	}
	if m := n.optional("matchedParameters"); m != nil {
		for _, p := range m.o.Properties() {
			out.MatchedParameters = append(out.MatchedParameters, Parameter{p.Name, r.text(m.at(p.Name), p.Value())})
		}
	}
	n.done()
	return out
}

func (r *fileReader) response(n *node) *Response {
	out := &Response{StatusCode: n.number("statusCode", 200, 999), StatusReason: n.text("statusReason"), Headers: r.headers(n)}
	if out.StatusReason == nil && out.StatusCode == 200 {
		ok := "OK"
		out.StatusReason = &ok
	}
	if s := n.text("body"); s != nil {
		out.Body = Text(*s)
	}
	n.done()
	return out
}

func (r *fileReader) headers(n *node) Values {
	out := &valueList{}
	h := n.optional("headers")
	if h == nil {
		return out
	}
	for _, p := range h.o.Properties() {
		if out.index(p.Name) >= 0 {
			r.fail(h.at(p.Name), "the header is there twice")
		}
		var values []string
		h.list(p.Name, func(path string, k json.Token) { values = append(values, r.text(path, k)) })
		out.add(p.Name, values...)
	}
	return out
}

func (r *fileReader) api(n *node) *API {
	a := &API{
		ID: n.text("id"), Name: n.text("name"), Path: n.text("path"), Version: n.text("version"), Revision: n.text("revision"),
		IsCurrentRevision: n.flag("isCurrentRevision"), ServiceURL: n.url("serviceUrl"),
		Protocols: []string{"https"}, Header: "Ocp-Apim-Subscription-Key", Query: "subscription-key",
	}
	n.done()
	return a
}

func (r *fileReader) groups(n *node) []Group {
	var out []Group
	n.list("groups", func(path string, k json.Token) {
		g := r.node(path, k)
		out = append(out, Group{g.text("id"), g.text("name")})
		g.done()
	})
	return out
}

func (r *fileReader) user(n *node) *User {
	u := &User{ID: n.text("id"), Email: n.text("email"), FirstName: n.text("firstName"), LastName: n.text("lastName"), Groups: r.groups(n)}
	n.list("identities", func(path string, k json.Token) {
		i := r.node(path, k)
		u.Identities = append(u.Identities, Identity{i.text("id"), i.text("provider")})
		i.done()
	})
	n.done()
	return u
}
