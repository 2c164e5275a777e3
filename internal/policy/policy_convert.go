package policy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

const alwaysWord = "always"

// conversion is what json-to-xml and xml-to-json share: when they convert.
type conversion struct {
	apply  choiceValue
	accept boolValue
	answer bool
	// from and to are what the body is, and becomes.
	from, to mediaKind
}

func (c *compiler) conversion(n *Node, word string, from, to mediaKind) conversion {
	return conversion{
		apply:  c.choiceAttribute(n, "apply", alwaysWord, alwaysWord, word),
		accept: c.boolAttribute(n, "consider-accept-header", true),
		answer: c.onAnswer(), from: from, to: to,
	}
}

// convert converts the body where it has to be.
func (v *conversion) convert(ctx context.Context, x *Exchange, do func(t *clr.Thread, body clr.Value) []byte, dates bool) *Error {
	apply, e := v.apply.word(ctx, x)
	if e != nil {
		return e
	}
	accept, e := v.accept.is(ctx, x)
	if e != nil {
		return e
	}
	b := x.changeBody(v.answer)
	if b == nil || apply != alwaysWord && contentKind(b.header.Get("Content-Type")) != v.from || accept && !x.accepts(v.to) {
		if x.Observer != nil {
			x.say("converted", "false")
		}
		return nil
	}
	content, e := b.read()
	switch {
	case e != nil:
		return e
	case b.head:
		b.header["Content-Type"] = []string{x.mediaType(v.to)}
		return nil
	case len(bytes.TrimSpace(content)) == 0:
		return nil
	}
	if !utf8.Valid(content) {
		return b.malformed(v.from.String(), fmt.Errorf("it is not UTF-8"))
	}
	t := &x.expressions().thread
	t.Start(ctx, clr.DefaultLimits())
	defer t.End()
	body, err := parsed(t, textOf(content), v.from, dates)
	var out []byte
	if err == nil {
		err = csharp.Guarded(func() { out = do(t, body) })
	}
	if err != nil {
		return b.malformed(fmt.Sprintf("%s that can become %s", v.from, v.to), err)
	}
	if e := b.put(out); e != nil {
		return e
	}
	b.header["Content-Type"] = []string{x.mediaType(v.to)}
	if x.Observer != nil {
		x.say("converted", "true")
	}
	return nil
}

// mediaType is the name of a kind of content that the caller likes.
func (x *Exchange) mediaType(kind mediaKind) string {
	if kind == kindJSON {
		return "application/json"
	}
	for part := range strings.SplitSeq(strings.Join(x.Request.Header["Accept"], ","), ",") {
		media, parameters, _ := strings.Cut(part, ";")
		switch media = strings.ToLower(strings.TrimSpace(media)); {
		case refused(parameters):
		case media == "text/xml", media == "application/xml":
			return media
		}
	}
	return "application/xml"
}

func conversionErrors(from string) []errorLine {
	return []errorLine{
		{"BodyMalformed", "the body is not " + from + ", none that can be converted, or a part of one"},
		{"BodyTooLarge", "the body is too large to be read, or to be converted in memory"},
	}
}

func jsonToXMLEntry() entry {
	return entry{
		name: "json-to-xml", sections: inOutErr, scopes: everyScope,
		does: "a JSON body as XML",
		tier: tierA, page: page{
			intro: "Writes a body in JSON as XML: of the request in inbound, of the answer in outbound and on-error.",
			example: `
<!-- outbound -->
<json-to-xml apply="content-type-json" consider-accept-header="true" />
<json-to-xml apply="always" consider-accept-header="false" parse-date="false" namespace-separator=":" namespace-prefix="xmlns" attribute-block-name="#attrs" />`,
			behaviour: []string{
				"An object with one member becomes that element; everything else comes into an element `Document`, the items of an array as " +
					"`Item`. An array is as many elements of its name, an empty one an empty element, null an element with xsi:nil=\"true\". " +
					"Values are .NET's text: `True`, and dates as `03/21/2012 05:40:00` unless `parse-date` is false.",
				"With `namespace-prefix` members whose names begin with it declare namespaces (`xmlns`, and `xmlns:a` with the separator `:`); " +
					"a name is parted at the separator where its first part is such a prefix. With `attribute-block-name` the members of the " +
					"object of that name are attributes.",
				"Members `@name` are attributes and `#text` and `#cdata-section` text, as xml-to-json writes them. What a name of XML cannot " +
					"hold is written `_x0020_`.",
				"`consider-accept-header` converts only where the request's Accept names XML; `apply` only where the Content-Type of the body " +
					"says JSON. An empty body stays; the answer to a HEAD says the Content-Type, and no length.",
				digestsBehaviour,
				"Content-Type becomes `application/xml`, or `text/xml` where Accept names that first. The text is indented by two blanks and " +
					"has no declaration.",
			},
			differences: []string{
				partsDifference,
				"The reference's example shows one case; what becomes of arrays at the root, of arrays in arrays and of names that XML does " +
					"not know is decided here.",
				"Text that XML cannot hold is an error.",
			},
			errors: conversionErrors("JSON"),
		},
		attributes: []attribute{
			{name: "apply", required: true, expected: "always or content-type-json", expression: true},
			{name: "consider-accept-header", expected: "true or false", otherwise: "true", expression: true},
			{name: "parse-date", expected: "true or false", otherwise: "true"},
			{name: "namespace-separator", expected: "a character", otherwise: "_", expression: true},
			{name: "namespace-prefix", expected: "a text, as xmlns", otherwise: "no member declares a namespace", expression: true},
			{name: "attribute-block-name", expected: "the name of a member", otherwise: "no member holds attributes", expression: true},
		},
		compile: compileJSONToXML,
	}
}

type jsonToXML struct {
	conversion
	dates                        bool
	separator, namespaces, block textValue
}

func compileJSONToXML(c *compiler, n *Node) statement {
	s := &jsonToXML{conversion: c.conversion(n, "content-type-json", kindJSON, kindXML), dates: c.boolean(n, "parse-date", true)}
	var ok bool
	if s.separator, ok = c.textAttribute(n, "namespace-separator"); !s.separator.given {
		s.separator.literal = "_"
	} else if ok && s.separator.compute == nil && utf8.RuneCountInString(s.separator.literal) != 1 {
		v, _ := c.attribute(n, "namespace-separator")
		c.malformed(v, "namespace-separator", "one character", "")
	}
	s.namespaces, _ = c.textAttribute(n, "namespace-prefix")
	s.block, _ = c.textAttribute(n, "attribute-block-name")
	return s
}

func (s *jsonToXML) do(ctx context.Context, x *Exchange) (flow, *Error) {
	w := &toXML{}
	for to, from := range map[*string]*textValue{&w.separator: &s.separator, &w.namespaces: &s.namespaces, &w.block: &s.block} {
		var e *Error
		if *to, e = from.text(ctx, x); e != nil {
			return stop, e
		}
	}
	if utf8.RuneCountInString(w.separator) != 1 {
		return stop, &Error{
			Reason: "ExpressionValueEvaluationFailure", Status: http.StatusInternalServerError,
			Message: `Expression evaluation failed. The value of "namespace-separator" is not one character.`,
		}
	}
	e := s.convert(ctx, x, func(t *clr.Thread, body clr.Value) []byte {
		w.Thread = t
		w.document(body.O.(json.Token))
		return w.b
	}, s.dates)
	if e != nil {
		return stop, e
	}
	return next, nil
}

// The kinds of JSON that xml-to-json writes.
const (
	friendlyKind = "javascript-friendly"
	directKind   = "direct"
)

func xmlToJSONEntry() entry {
	return entry{
		name: "xml-to-json", sections: inOutErr, scopes: everyScope,
		does: "an XML body as JSON",
		tier: tierA, page: page{
			intro: "Writes a body in XML as JSON: of the request in inbound, of the answer in outbound and on-error.",
			example: `
<!-- outbound -->
<xml-to-json kind="direct" apply="always" consider-accept-header="false" />`,
			behaviour: []string{
				"`direct` is the form of Json.NET: an element with text alone is a text, one without anything null (`<a/>`) or an empty text " +
					"(`<a></a>`), every other one an object; attributes are members `@name`, text beside them `#text` and `#cdata-section`; " +
					"elements of one name are an array in the place of the first. Prefixes stay, with `$` for the colon, declarations of " +
					"namespaces among the attributes. The declaration's version, encoding and standalone stand beside the root.",
				"`javascript-friendly` has names that can stand behind a point: attributes are `$name`, text beside them `$$`, `-` and `.` " +
					"in names are `_`; declarations of namespaces are left out.",
				"With `always-array-child-elements` every element in another one is an array, alone too; the root is none.",
				"Values are texts. Comments, processing instructions and the document type are left out; white space between elements does " +
					"not count. Entities that the document declares are put in, within limits; none is fetched.",
				"`consider-accept-header` converts only where the request's Accept names JSON; `apply` only where the Content-Type of the body " +
					"says XML. An empty body stays. Content-Type becomes `application/json`; the answer to a HEAD says that too, and no length.",
				digestsBehaviour,
			},
			differences: []string{
				partsDifference,
				"The form of `javascript-friendly` is not documented; it is decided here.",
				"The JSON is written without white space.",
				"The body has to be UTF-8, whatever its declaration says.",
			},
			errors: conversionErrors("XML"),
		},
		attributes: []attribute{
			{name: "kind", required: true, expected: friendlyKind + " or " + directKind, expression: true},
			{name: "apply", required: true, expected: "always or content-type-xml", expression: true},
			{name: "consider-accept-header", expected: "true or false", otherwise: "true", expression: true},
			{name: "always-array-child-elements", expected: "true or false", otherwise: "false", expression: true},
		},
		compile: compileXMLToJSON,
	}
}

type xmlToJSON struct {
	conversion
	kind   choiceValue
	arrays boolValue
}

func compileXMLToJSON(c *compiler, n *Node) statement {
	return &xmlToJSON{
		conversion: c.conversion(n, "content-type-xml", kindXML, kindJSON),
		kind:       c.choiceAttribute(n, "kind", directKind, friendlyKind, directKind),
		arrays:     c.boolAttribute(n, "always-array-child-elements", false),
	}
}

func (s *xmlToJSON) do(ctx context.Context, x *Exchange) (flow, *Error) {
	kind, e := s.kind.word(ctx, x)
	if e != nil {
		return stop, e
	}
	arrays, e := s.arrays.is(ctx, x)
	if e != nil {
		return stop, e
	}
	if e := s.convert(ctx, x, func(t *clr.Thread, body clr.Value) []byte {
		w := &toJSON{Thread: t, friendly: kind == friendlyKind, arrays: arrays}
		w.document(body.O.(*xml.Node))
		return w.b
	}, false); e != nil {
		return stop, e
	}
	return next, nil
}
