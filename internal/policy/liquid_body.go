package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

// liquid compiles the template that is the content of set-body; nil, with a
// problem, where it is wrong.
func (c *compiler) liquid(n *Node, nilIsNull, dates bool) *liquidBody {
	v := rawContent(n)
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
	c.templateNames(n, template)
	if out.from == noMessage && template.UsesName("body") {
		c.warn(v.pos, "empty-body", "", "a template in return-response sees an empty body")
	}
	return out
}

// templateNames reports names that nothing gives a value: the template would write
// nothing there, without a word.
func (c *compiler) templateNames(n *Node, template *liquid.Template) {
	if c.tree.holes || c.env.NamedValues.takesAny() {
		return
	}
	known := []string{"body", "context"}
	for _, u := range template.Uses() {
		if u.Name == known[0] || u.Name == known[1] {
			continue
		}
		if _, declared := c.env.NamedValues.lookup(u.Name); declared {
			continue // its value is not known in a check
		}
		c.strict(contentAt(n, u.Offset), "unknown-name", "body, context, a variable of the template, or a named value",
			nearestName(u.Name, append(known, c.env.NamedValues.known()...)), "%q is neither a variable of the template nor a named value", u.Name)
	}
}

// templateMessage is a message about a text that may hold secrets.
func templateMessage(v value, message string) string {
	if v.secret {
		return "the template is not read here; it holds a secret named value"
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
			shown = shortened(string(out))
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
	var body *Body
	header := x.Request.Header
	switch b.from {
	case noMessage:
		return clr.Str(""), nil
	case theRequest:
		body = x.Request.Body
	case theAnswer:
		if x.Response == nil {
			return clr.Null, nil
		}
		body, header = x.Response.Body, x.Response.Header
	}
	kind := contentKind(header.Get("Content-Type"))
	if body == nil || kind == kindOther {
		return clr.Null, nil
	}
	content, e := x.bytes(body, b.from == theRequest)
	if e != nil || len(strings.TrimSpace(string(content))) == 0 {
		return clr.Null, e
	}
	v, err := parsed(t, textOf(content), kind, b.dates)
	if err != nil {
		return clr.Null, malformedBody(b.from == theRequest, kind.String(), err)
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
