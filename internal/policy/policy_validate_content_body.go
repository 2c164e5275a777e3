package policy

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// sizeOf holds the size of the body against the limit, before it is read where
// the message says how long it is. The body of the side is the plain one then.
func (s *validateContent) sizeOf(ctx context.Context, v *validation, of *side) (size int64, e *Error) {
	b := of.body
	if b == nil {
		return 0, nil
	}
	most, e := s.most.number(ctx, v.x)
	if e != nil {
		return 0, e
	}
	size = b.Length
	if b.Stream == nil {
		size = int64(len(b.Bytes))
	}
	if size > int64(most) {
		if done, e := v.found(ctx, &s.exceeded, tooLong(of, size, most)); done || e != nil {
			return size, e
		}
	}
	told := size > int64(most)
	raw, e := v.x.bytes(b, !s.answer)
	if e != nil {
		return 0, e
	}
	plain, err := unpacked(raw, of.header["Content-Encoding"])
	if err != nil {
		of.body = &Body{Length: -1}
		return size, s.cannot(ctx, v, of, err)
	}
	of.body = &Body{Bytes: plain, Length: int64(len(plain))}
	if size = int64(len(plain)); size > int64(most) && !told {
		_, e = v.found(ctx, &s.exceeded, tooLong(of, size, most))
	}
	return size, e
}

// maxPlaced is how large a body may be whose errors are told with their place:
// each is looked for from the beginning.
const maxPlaced = 1 << 20

func tooLong(of *side, size int64, most int) finding {
	who := strings.ToUpper(of.word[:1]) + of.word[1:]
	return finding{
		kind: of.kind, rule: "SizeLimit",
		details: fmt.Sprintf("%s's body is %d bytes long and it exceeds the configured limit of %d bytes.", who, size, most),
		public:  fmt.Sprintf("%s's body is %d bytes long and it exceeds the limit of %d bytes.", who, size, most),
	}
}

// unpacked is the content of a body without its coding.
func unpacked(raw []byte, codings []string) ([]byte, error) {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(codings, ",")))
	var r io.Reader
	switch coding {
	case "", "identity":
		return raw, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, sentence("The body is not gzip.")
		}
		r = z
	case "deflate":
		r = deflated(raw)
	default:
		return nil, sentence("The body is compressed in a way that the gateway does not read.")
	}
	plain, err := io.ReadAll(io.LimitReader(r, MaxBuffered+1))
	switch {
	case err != nil:
		return nil, sentence("The body cannot be decompressed.")
	case len(plain) > MaxBuffered:
		return nil, sentence("The body is too large when it is decompressed.")
	}
	return plain, nil
}

// deflated reads zlib's form, which the coding is, and the bare one, which some
// send for it.
func deflated(raw []byte) io.Reader {
	if len(raw) > 2 && raw[0]&0x0f == 8 && (uint(raw[0])<<8|uint(raw[1]))%31 == 0 {
		return flate.NewReader(bytes.NewReader(raw[2:]))
	}
	return flate.NewReader(bytes.NewReader(raw))
}

// cannot says that nothing can be said of a body, for each rule.
func (s *validateContent) cannot(ctx context.Context, v *validation, of *side, err error) *Error {
	for i := range s.rules {
		if done, e := v.found(ctx, &s.rules[i].action, of.exception("", err)); done || e != nil {
			return e
		}
	}
	return nil
}

func (of *side) exception(mediaType string, err error) finding {
	return finding{
		kind: of.kind, rule: "ValidationException",
		details: fmt.Sprintf("Body of the %s cannot be validated for the content type %s.\n\n%v", of.word, mediaType, err),
	}
}

// hold holds the body against one rule.
func (s *validateContent) hold(ctx context.Context, v *validation, r *contentRule, of *side, mediaType string) (bool, *Error) {
	word, e := r.action.word(ctx, v.x)
	if e != nil || word == ignoreWord {
		return false, e
	}
	// An expression is asked once.
	action := choiceValue{literal: word}
	var body []byte
	if of.body != nil {
		if of.body.Length < 0 {
			return false, nil // it could not be unpacked, which was found before
		}
		body = of.body.Bytes
	}
	if r.as != "json" {
		if err := goodXML(body, r.as == "soap", mediaType); err != nil {
			return v.found(ctx, &action, of.incorrect("", mediaType, err.Error(), 0, 0))
		}
		return false, nil
	}
	held, name, f := s.schemaFor(v.x, r, of, mediaType)
	if f != nil {
		return v.found(ctx, &action, *f)
	}
	value, err := decodeJSON(body)
	if err != nil {
		return v.found(ctx, &action, of.incorrect(name, mediaType, err.Error(), 0, 0))
	}
	wrong, err := held.check(value)
	if err != nil {
		return v.found(ctx, &action, of.exception(mediaType, err))
	}
	var list []finding
	for _, w := range wrong {
		var line, position int
		if len(body) <= maxPlaced {
			line, position = placeIn(bytes.TrimPrefix(body, []byte("\ufeff")), w.path)
		}
		list = append(list, of.incorrect(name, mediaType, w.text, line, position))
	}
	return v.found(ctx, &action, list...)
}

// schemaFor is the schema for a rule, with its name, or why there is none.
func (s *validateContent) schemaFor(x *Exchange, r *contentRule, of *side, mediaType string) (*schema, string, *finding) {
	if r.own != nil {
		return r.own, r.named, nil
	}
	if x.contract == nil || x.contract.said == nil {
		f := noSchema()
		return nil, "", &f
	}
	said := content(of.said, mediaType)
	if said == nil {
		said = &site.Content{}
	}
	opt := r.opt
	opt.modern = x.contract.modern
	if held := x.contract.bodies[bodyKey{said, opt}]; held != nil {
		return held, said.Name, nil
	}
	return nil, "", &finding{
		name: mediaType, kind: of.kind, rule: "MissingDefinition",
		details: fmt.Sprintf("API's schema does not contain definition %swhich is associated with the content type %s.", definition(said.Name), mediaType),
	}
}

// definition is a name in a sentence that goes on with "which"; some have none.
func definition(name string) string {
	if name == "" {
		return ""
	}
	return name + ", "
}

func (of *side) incorrect(name, mediaType, text string, line, position int) finding {
	text = fmt.Sprintf("Body of the %s does not conform to the definition %swhich is associated with the content type %s.\n\n%s",
		of.word, definition(name), mediaType, text)
	if line > 0 {
		text += " Line: " + strconv.Itoa(line) + ", Position: " + strconv.Itoa(position)
	}
	return finding{name: mediaType, kind: of.kind, rule: "IncorrectMessage", details: text, public: text}
}

// Namespaces of SOAP.
const (
	soap11 = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12 = "http://www.w3.org/2003/05/soap-envelope"
)

// maxXMLDepth is how deep the elements of a body may nest.
const maxXMLDepth = 256

// goodXML reports what is wrong with the form of an XML document, and of an
// envelope of SOAP.
func goodXML(content []byte, soap bool, mediaType string) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	depth, roots, bodies := 0, 0, 0
	var envelope string
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && depth == 0 && roots == 1:
			return goodEnvelope(soap, envelope, bodies, mediaType)
		case err != nil:
			return sentence("The text is not well-formed XML.")
		}
		switch t := t.(type) {
		case xml.Directive:
			return sentence("The XML has a document type, which is not allowed.")
		case xml.StartElement:
			depth++
			switch {
			case depth > maxXMLDepth:
				return sentence("The XML is nested too deep.")
			case depth == 1:
				roots++
				if t.Name.Local == "Envelope" {
					envelope = t.Name.Space
				}
			case depth == 2 && t.Name.Local == "Body" && t.Name.Space == envelope:
				bodies++
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && !isBlank(string(t)) {
				return sentence("The XML has text beside its root.")
			}
		}
	}
}

func goodEnvelope(soap bool, envelope string, bodies int, mediaType string) error {
	want := map[string]string{"text/xml": soap11, "application/soap+xml": soap12}[mediaType]
	switch {
	case !soap:
		return nil
	case envelope != soap11 && envelope != soap12, want != "" && envelope != want:
		return sentence("The XML is no SOAP envelope of the version that the content type says.")
	case bodies != 1:
		return sentence("The SOAP envelope does not have one body.")
	}
	return nil
}
