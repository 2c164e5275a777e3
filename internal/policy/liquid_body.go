package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
	"github.com/cloister-ai/cloister/internal/policy/liquid"
	"github.com/cloister-ai/cloister/internal/site"
)

// liquidBody is a body that a Liquid template gives.
type liquidBody struct {
	template *liquid.Template
	pos      site.Pos
	secret   bool
	// from is the message whose body the template sees.
	from source
	// nilIsNull and dates are xsi-nil and parse-date.
	nilIsNull, dates bool
}

// source is a message that policies read.
type source uint8

const (
	// noMessage: there is nothing to see, as in return-response.
	noMessage source = iota
	theRequest
	theAnswer
)

// shape are the names of members, each with those in it; nil: any.
type shape map[string]shape

// contextShape is context as templates see it.
func contextShape() shape {
	leaf := shape{"size": nil}
	members := func(names ...string) shape {
		s := shape{}
		for _, name := range names {
			s[name] = leaf
		}
		return s
	}
	address := members("Scheme", "Host", "Port", "Path", "QueryString", "ToString", "ToUri")
	address["Query"] = nil
	request := members("Method", "OriginalMethod", "IpAddress", "HasBody")
	request["Url"], request["OriginalUrl"], request["Headers"], request["MatchedParameters"] = address, address, nil, nil
	response := members("StatusCode", "StatusReason", "Method")
	response["Headers"] = nil
	api := members("Id", "Name", "Path", "Version", "Revision", "IsCurrentRevision")
	api["ServiceUrl"] = address
	return shape{
		"Request": request, "Response": response, "Variables": nil, "RequestId": leaf, "Timestamp": leaf, "Api": api,
		"Operation":    members("Id", "Name", "Method", "UrlTemplate"),
		"Product":      members("Id", "Name"),
		"Subscription": members("Id", "Name", "Key"),
		"User":         members("Id", "Email", "FirstName", "LastName", "Note"),
		"Deployment":   members("Region", "ServiceName", "ServiceId", "GatewayId"),
		"LastError":    members("Source", "Reason", "Message", "Scope", "Section", "Path", "PolicyId"),
	}
}

// liquid compiles the template that is the content of set-body; nil, with a
// problem, where it is wrong.
func (c *compiler) liquid(n *Node, nilIsNull, dates bool) *liquidBody {
	v := rawContent(n)
	if _, is := elementExpression(n); is {
		c.strict(v.pos, "expression-not-allowed", "a template", `leave template out`, "a template is no expression: its text would be sent")
		return nil
	}
	out := &liquidBody{pos: v.pos, secret: v.secret, from: theRequest, nilIsNull: nilIsNull, dates: dates}
	switch {
	case c.answer:
		out.from = noMessage
	case c.onAnswer():
		out.from = theAnswer
	}
	template, errs := liquid.Parse(v.text)
	for _, e := range errs {
		report := c.add
		if e.Lax {
			report = c.strict
		}
		report(contentAt(n, e.Offset), "wrong-template", e.Expected, e.Mend, "%s", templateMessage(v, e.Message))
	}
	if template == nil {
		return nil
	}
	out.template = template
	c.templateNames(n, v, template)
	if out.from == noMessage && template.UsesName("body") {
		c.warn(v.pos, "empty-body", "", "a template in return-response sees an empty body")
	}
	return out
}

// templateNames reports names that nothing gives a value, and members that
// context does not have: the template would write nothing there, without a word.
func (c *compiler) templateNames(n *Node, v value, template *liquid.Template) {
	known := []string{"body", "context"}
	for _, u := range template.Uses() {
		switch u.Name {
		case "context":
			c.contextMembers(n, v, u)
			continue
		case "body":
			continue
		}
		if _, declared := c.env.NamedValues.lookup(u.Name); declared || c.tree.holes || c.env.NamedValues.takesAny() {
			continue // its value is not known, or that was reported
		}
		message, mend := fmt.Sprintf("%q is neither a variable of the template nor a named value", u.Name), ""
		if !v.secret {
			mend = nearestName(u.Name, append(known, c.env.NamedValues.known()...))
		}
		c.strict(contentAt(n, u.Offset), "unknown-name", "body, context, a variable of the template, or a named value", mend, "%s", templateMessage(v, message))
	}
}

// contextMembers reports members that context does not have.
func (c *compiler) contextMembers(n *Node, v value, u liquid.Use) {
	at, path := contextShape(), "context"
	for _, name := range u.Members {
		next, ok := at[name]
		if !ok {
			names, mend := slices.Sorted(maps.Keys(at)), ""
			if !v.secret {
				mend = nearestName(name, names)
			}
			c.strict(contentAt(n, u.Offset), "unknown-member", listed(names), mend, "%s", templateMessage(v, fmt.Sprintf("%s has no %q in templates", path, name)))
			return
		}
		if next == nil {
			return
		}
		at, path = next, path+"."+name
	}
}

// templateMessage is a message about a text that may hold secrets.
func templateMessage(v value, message string) string {
	if v.secret {
		return "the template is wrong here; it is not shown, because it holds a secret named value"
	}
	return message
}

// contentAt is the place of a byte of an element's texts.
func contentAt(n *Node, offset int) site.Pos {
	pos := n.Pos
	for _, t := range n.Children {
		if t.Name != "" {
			continue
		}
		if pos = t.Origin.At(min(offset, len(t.Text))); offset < len(t.Text) {
			break
		}
		offset -= len(t.Text)
	}
	return pos
}

// content fills the template.
func (b *liquidBody) content(ctx context.Context, x *Exchange) (out []byte, e *Error) {
	l := x.expressions()
	var body clr.Value
	l.thread.Start(ctx, clr.DefaultLimits())
	defer l.thread.End()
	if b.template.UsesName("body") {
		if body, e = b.body(x, &l.thread); e != nil {
			return nil, e
		}
	}
	names := x.liquidContext(l)
	err := csharp.Guarded(func() {
		out = b.template.Render(&l.thread, liquid.Scope{NilIsNull: b.nilIsNull, Names: func(name string) (clr.Value, bool) {
			switch name {
			case "body":
				return body, true
			case "context":
				return clr.Obj(names), true
			}
			return clr.Null, false
		}})
	})
	if err != nil {
		return nil, b.failed(err)
	}
	out = []byte(strings.ToValidUTF8(string(out), "\ufffd"))
	if x.Observer != nil {
		shown := masked
		if !b.secret {
			shown = string(out)
		}
		x.say("set-body", shown)
	}
	return out, nil
}

func (b *liquidBody) failed(err error) *Error {
	message := "Liquid template evaluation failed. "
	var thrown *csharp.Error
	var limit *clr.LimitError
	switch {
	case errors.As(err, &thrown):
		message += thrown.Message
	case errors.As(err, &limit):
		message += "It takes too much: its limit of " + limit.Limit + " is " + limit.Most + "."
	default:
		message += "The gateway could not evaluate it."
	}
	return &Error{
		Reason: "ExpressionValueEvaluationFailure", Message: message, Status: http.StatusInternalServerError,
		Cause: fmt.Errorf("template at %s: %w", b.pos, err),
	}
}

// body is the body that the template sees: JSON or XML, as its Content-Type
// says; nothing where it says neither.
func (b *liquidBody) body(x *Exchange, t *clr.Thread) (clr.Value, *Error) {
	if b.from == noMessage {
		return clr.Str(""), nil
	}
	change := x.changeBody(b.from == theAnswer)
	if change == nil {
		return clr.Null, nil
	}
	kind := contentKind(change.header.Get("Content-Type"))
	if kind == kindOther {
		return clr.Null, nil
	}
	content, e := change.read()
	if e != nil || len(bytes.TrimSpace(content)) == 0 {
		return clr.Null, e
	}
	v, err := parsed(t, textOf(content), kind, b.dates)
	if err != nil {
		return clr.Null, change.malformed(kind.String(), err)
	}
	return v, nil
}

// mediaKind is what a body holds.
type mediaKind uint8

const (
	kindOther mediaKind = iota
	kindJSON
	kindXML
)

func (k mediaKind) String() string { return [...]string{"text", "JSON", "XML"}[k] }

// contentKind is what a Content-Type says: JSON, XML, or something else.
func contentKind(contentType string) mediaKind {
	media, _, _ := strings.Cut(contentType, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); {
	case media == "application/json", media == "text/json", strings.HasSuffix(media, "+json"):
		return kindJSON
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml"):
		return kindXML
	}
	return kindOther
}

// textOf is a body as text: without the mark of UTF-8, and with U+FFFD for what
// is none.
func textOf(content []byte) string {
	return strings.ToValidUTF8(strings.TrimPrefix(string(content), "\ufeff"), "\ufffd")
}

// parsed reads a text as JSON or XML.
func parsed(t *clr.Thread, text string, kind mediaKind, dates bool) (v clr.Value, err error) {
	failed := csharp.Guarded(func() {
		if kind == kindXML {
			v = clr.Obj(xml.ParseDocument(t, text, 0))
			return
		}
		parse := json.ParseText
		if dates {
			parse = json.Parse
		}
		token, thrown := parse(t, text)
		if thrown != nil {
			panic(thrown)
		}
		v = clr.Obj(token)
	})
	return v, failed
}

// malformedBody is the error of a body that is not what it has to be.
func malformedBody(request bool, kind string, err error) *Error {
	of, status := "response", http.StatusInternalServerError
	if request {
		of, status = "request", http.StatusBadRequest
	}
	e := &Error{Reason: "BodyMalformed", Status: status, Cause: err, Message: fmt.Sprintf("The %s body is no %s.", of, kind)}
	var limit *clr.LimitError
	if errors.As(err, &limit) {
		e.Message = fmt.Sprintf("The %s body is too large to be read as %s.", of, kind)
		if e.Reason = "BodyTooLarge"; request {
			e.Status = http.StatusRequestEntityTooLarge
		}
	}
	if request {
		e.PublicMessage = e.Message
	}
	return e
}
