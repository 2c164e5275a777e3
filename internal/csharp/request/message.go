package request

import (
	"errors"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/json"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
	"github.com/cloister-ai/cloister/internal/csharp/clr/xml"
)

func messageMembers() funcs {
	return funcs{
		"IRequest.Method":      of(func(r *Request) clr.Value { return clr.Str(r.Method) }),
		"IRequest.Url":         of(func(r *Request) clr.Value { return object(r.URL) }),
		"IRequest.OriginalUrl": of(func(r *Request) clr.Value { return object(r.OriginalURL) }),
		"IRequest.Headers":     of(func(r *Request) clr.Value { return r.headersValue(r.Headers) }),
		"IRequest.Body":        of(func(r *Request) clr.Value { return r.bodyValue(r.Body) }),
		"IRequest.IpAddress":   textOf(func(r *Request) *string { return r.IPAddress }),
		"IRequest.Certificate": of(func(r *Request) clr.Value { return r.Certificate }),
		"IRequest.Foundry":     of(func(r *Request) clr.Value { return object(r.Foundry) }),
		"IRequest.PrivateEndpointConnection": of(func(r *Request) clr.Value {
			return object(r.PrivateEndpointConnection)
		}),
		"IRequest.MatchedParameters": of(func(r *Request) clr.Value {
			if r.parameters == nil {
				r.parameters = &parametersObject{r.MatchedParameters}
			}
			return clr.Obj(r.parameters)
		}),

		"IResponse.StatusCode":   of(func(r *Response) clr.Value { return clr.Int(int32(r.StatusCode)) }),
		"IResponse.StatusReason": textOf(func(r *Response) *string { return r.StatusReason }),
		"IResponse.Headers":      of(func(r *Response) clr.Value { return r.headersValue(r.Headers) }),
		"IResponse.Body":         of(func(r *Response) clr.Value { return r.bodyValue(r.Body) }),

		"IMessageBody.As<T>(bool)":                   bodyAs,
		"IMessageBody.AsFormUrlEncodedContent(bool)": bodyAsForm,
	}
}

func (m *message) headersValue(h Values) clr.Value { return clr.Obj(m.headersObject(h)) }

func (m *message) headersObject(h Values) *valuesObject {
	if m.headers == nil {
		if h == nil {
			h = &valueList{}
		}
		m.headers = &valuesObject{h}
	}
	return m.headers
}

func (m *message) bodyValue(b Body) clr.Value {
	if b == nil {
		return clr.Null
	}
	if m.body == nil || m.body.of != b {
		m.body = &bodyObject{b}
	}
	return clr.Obj(m.body)
}

var utf8Text = text.GetEncoding("utf-8")

// bodyObject is an IMessageBody.
type bodyObject struct{ of Body }

func (*bodyObject) Type() *clr.Type { return bodyType }

// read gives the content, decoded from UTF-8.
func (b *bodyObject) read(t *clr.Thread, preserve bool) []byte {
	content, err := b.of.Read(preserve)
	var limit *clr.LimitError
	switch {
	case errors.As(err, &limit):
		panic(limit)
	case err != nil:
		t.Throw(clr.InvalidOperationException, err.Error())
	}
	t.Allocate(len(content))
	return content
}

func (b *bodyObject) text(t *clr.Thread, preserve bool) string {
	return utf8Text.Text(t, b.read(t, preserve))
}

// bodyAs is As<T>(preserveContent).
func bodyAs(c *clr.Call) clr.Value {
	body, to, preserve := c.Args[0].O.(*bodyObject), c.Types[0], c.Args[1].Bool()
	thrown := func(v clr.Object, err *clr.Thrown) clr.Value {
		if err != nil {
			panic(err)
		}
		return clr.Obj(v)
	}
	switch {
	case to == clr.String:
		return c.New(body.text(c.Thread, preserve))
	case to == clr.Byte.ArrayOf(1):
		return c.BytesValue(append([]byte(nil), body.read(c.Thread, preserve)...))
	case to == json.ObjectType:
		k, err := json.ParseObject(c.Thread, body.text(c.Thread, preserve))
		return thrown(k, err)
	case to == json.ArrayType:
		k, err := json.ParseArray(c.Thread, body.text(c.Thread, preserve))
		return thrown(k, err)
	case to == json.TokenType:
		k, err := json.Parse(c.Thread, body.text(c.Thread, preserve))
		return thrown(k, err)
	case to == xml.ElementType, to == xml.NodeType:
		return clr.Obj(xml.ParseElement(c.Thread, body.text(c.Thread, preserve), 0))
	case to == xml.DocumentType:
		return clr.Obj(xml.ParseDocument(c.Thread, body.text(c.Thread, preserve), 0))
	}
	body.read(c.Thread, preserve)
	c.Throw(clr.NotSupportedException, "a body cannot be read as "+to.FullName())
	return clr.Null
}

// textBody is a Body that lies in memory.
type textBody struct{ content string }

// Text is a Body with this content.
func Text(content string) Body { return &textBody{content} }

func (b *textBody) Read(preserve bool) ([]byte, error) {
	content := b.content
	if !preserve {
		b.content = ""
	}
	return []byte(content), nil
}
