package csharp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// Answer is what an expression came to, as "cloister policy eval --json" prints
// it: {"type":…,"value":…} or {"error":{"type":…,"message":…}}.
type Answer struct {
	// Type is the value's own type in .NET's words; empty for null.
	Type string
	// Value is JSON: strings, numbers and booleans as such, a JToken's JSON as a
	// string, everything else its ToString().
	Value json.RawMessage
	Error *Refusal
}

// Refusal is why there is no value. Its type is that of the exception;
// "compile" for what was found before the run, with C#'s code; "limit" and
// "internal" for what is no exception of .NET.
type Refusal struct {
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// MarshalJSON writes the one line that the command prints.
func (a Answer) MarshalJSON() ([]byte, error) {
	if a.Error != nil {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err := e.Encode(map[string]*Refusal{"error": a.Error})
		return bytes.TrimSpace(b.Bytes()), err
	}
	value := a.Value
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	typ := json.RawMessage("null")
	if a.Type != "" {
		typ = appendQuoted(nil, a.Type)
	}
	// By hand: values may be tens of megabytes, and an encoder copies them often.
	return slices.Concat([]byte(`{"type":`), typ, []byte(`,"value":`), value, []byte("}")), nil
}

// AnswerValue is the answer with a value. Its text is the thread's work too, so
// it may come to an error.
func AnswerValue(t *clr.Thread, v clr.Value) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = AnswerError(panicked(p))
		}
	}()
	if v.IsNull() {
		return Answer{}
	}
	return Answer{Type: v.Type().FullName(), Value: valueJSON(t, v)}
}

// AnswerErrors is the answer of an expression that did not compile.
func AnswerErrors(errs []*syntax.Error) Answer {
	e := errs[0]
	return Answer{Error: &Refusal{Type: "compile", Code: e.Code, Message: e.Reason}}
}

// AnswerError is the answer of a run that failed.
func AnswerError(err error) Answer {
	var thrown *Error
	var limit *clr.LimitError
	switch {
	case errors.As(err, &thrown):
		return Answer{Error: &Refusal{Type: thrown.Type, Message: thrown.Message}}
	case errors.As(err, &limit):
		return Answer{Error: &Refusal{Type: "limit", Message: limit.Error()}}
	}
	return Answer{Error: &Refusal{Type: "internal", Message: err.Error()}}
}

func panicked(p any) error {
	switch e := p.(type) {
	case *clr.Thrown:
		return &Error{Type: e.T.FullName(), Message: e.Text(), Thrown: e}
	case error:
		return e
	}
	return fmt.Errorf("internal error: %v", p)
}

// valueJSON is a value that is not null.
func valueJSON(t *clr.Thread, v clr.Value) json.RawMessage {
	switch typ := v.Type(); typ {
	case clr.Boolean:
		return strconv.AppendBool(nil, v.Bool())
	case clr.SByte, clr.Int16, clr.Int32, clr.Int64:
		return strconv.AppendInt(nil, v.Int(), 10)
	case clr.Byte, clr.UInt16, clr.UInt32, clr.UInt64:
		return strconv.AppendUint(nil, v.N, 10)
	case clr.Decimal:
		return json.RawMessage(t.Text(v))
	case clr.Double:
		return floatJSON(t, v, 64)
	case clr.Single:
		return floatJSON(t, v, 32)
	}
	if s, ok := tokenText(t, v); ok {
		return appendQuoted(nil, s)
	}
	return appendQuoted(nil, t.Text(v))
}

// floatJSON is the shortest text that reads back as the same number.
func floatJSON(t *clr.Thread, v clr.Value, size int) json.RawMessage {
	f := v.Float()
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return appendQuoted(nil, t.Text(v))
	case math.Abs(f) >= 1e21 || f != 0 && math.Abs(f) < 1e-6:
		return strconv.AppendFloat(nil, f, 'e', -1, size)
	}
	return strconv.AppendFloat(nil, f, 'f', -1, size)
}

// appendQuoted writes a string of .NET as JSON. What UTF-8 cannot hold, half of
// a surrogate pair, is an escape; so are characters that nobody sees.
func appendQuoted(b []byte, s string) json.RawMessage {
	b = slices.Grow(b, len(s)+len(s)/64+2)
	b = append(b, '"')
	for len(s) > 0 {
		r, size := clr.Decode(s)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < 0x10000 && (unicode.IsControl(r) || r >= 0xD800 && r < 0xE000 || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Cf, r)):
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, s[:size]...)
		}
		s = s[size:]
	}
	return append(b, '"')
}

// TextOf is the text that the command prints without JSON: ToString(), of a
// null nothing.
func TextOf(t *clr.Thread, v clr.Value) (s string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return t.Text(v), nil
}

// Guarded calls f, in which members of .NET are called outside of an expression,
// and gives what they throw, and the limit that ends them.
func Guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	f()
	return nil
}
