package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Answer is what an expression gave: a value or an error. Its JSON is that of
// "cloister policy eval --json".
type Answer struct {
	// Type is the value's type as GetType().ToString() writes it, "" for null.
	Type string
	// Value is the value as JSON text. It stays text: a decimal keeps its last
	// zeros, and a string may hold half of a surrogate pair, which Go's cannot.
	Value json.RawMessage
	// Error is set instead when the expression threw or was refused.
	Error *Failure
}

// Failure is an exception, or with Type "compile" a refusal by the compiler.
type Failure struct {
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"` // of a refusal, such as CS0103
	Message string `json:"message"`
}

// Refused reports whether the expression did not compile.
func (a Answer) Refused() bool { return a.Error != nil && a.Error.Type == "compile" }

// Threw reports whether the expression compiled and threw.
func (a Answer) Threw() bool { return a.Error != nil && a.Error.Type != "compile" }

func (a Answer) String() string { return string(encode(a)) }

// MarshalJSON writes {"type":…,"value":…} or {"error":…}.
func (a Answer) MarshalJSON() ([]byte, error) {
	if a.Error != nil {
		return encode(map[string]*Failure{"error": a.Error}), nil
	}
	out := struct {
		Type  *string         `json:"type"`
		Value json.RawMessage `json:"value"`
	}{Value: a.Value}
	if a.Type != "" {
		out.Type = &a.Type
	}
	if len(out.Value) == 0 {
		out.Value = json.RawMessage("null")
	}
	return encode(out), nil
}

// UnmarshalJSON reads both forms and ignores other members, such as "id".
func (a *Answer) UnmarshalJSON(data []byte) error {
	var in struct {
		Type  *string         `json:"type"`
		Value json.RawMessage `json:"value"`
		Error *Failure        `json:"error"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*a = Answer{Value: in.Value, Error: in.Error}
	if in.Type != nil {
		a.Type = *in.Type
	}
	if in.Error == nil && len(in.Value) == 0 {
		return fmt.Errorf("answer without value and error: %s", data)
	}
	return nil
}

// encode is json.Marshal without the escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only our own types come here
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// syntaxCode are the codes for text that is not C#. Which of them a parser
// gives depends on what it missed first, so they count as one.
var syntaxCode = map[string]bool{
	"CS1001": true, "CS1002": true, "CS1003": true, "CS1026": true, "CS1040": true, "CS1073": true,
	"CS1041": true, "CS8076": true, "CS1010": true,
	"CS1513": true, "CS1514": true, "CS1519": true, "CS1525": true, "CS1528": true, "CS1733": true,
}

// Compare says how got differs from want, "" when it does not. The text of a
// refusal is the compiler's own and is not compared, its code is; all codes of
// bad syntax are one. Doubles and
// floats are compared as numbers, bit by bit; strings by UTF-16 units; all
// else by its text.
func Compare(want, got Answer) string {
	switch {
	case want.Error == nil && got.Error == nil:
		if want.Type != got.Type {
			return fmt.Sprintf("type %s, want %s", orNull(got.Type), orNull(want.Type))
		}
		if !sameValue(want.Type, want.Value, got.Value) {
			return fmt.Sprintf("value %s, want %s", got.Value, want.Value)
		}
	case want.Error == nil:
		return fmt.Sprintf("error %s, want a %s", encode(got.Error), orNull(want.Type))
	case got.Error == nil:
		return fmt.Sprintf("a %s, want error %s", orNull(got.Type), encode(want.Error))
	case want.Refused() && got.Refused() && syntaxCode[want.Error.Code] && syntaxCode[got.Error.Code]:
	case want.Error.Type != got.Error.Type || want.Error.Code != got.Error.Code:
		return fmt.Sprintf("error %s, want %s", encode(got.Error), encode(want.Error))
	case !want.Refused() && want.Error.Message != got.Error.Message:
		return fmt.Sprintf("message %q, want %q", got.Error.Message, want.Error.Message)
	}
	return ""
}

func orNull(typ string) string {
	if typ == "" {
		return "null"
	}
	return typ
}

func sameValue(typ string, want, got json.RawMessage) bool {
	if bytes.Equal(want, got) || len(want) == 0 && string(got) == "null" || len(got) == 0 && string(want) == "null" {
		return true
	}
	if len(want) == 0 || len(got) == 0 {
		return false
	}
	if want[0] == '"' && got[0] == '"' {
		a, okA := units(want)
		b, okB := units(got)
		return okA && okB && string16(a) == string16(b)
	}
	bits := map[string]int{"System.Double": 64, "System.Single": 32}[typ]
	if bits == 0 {
		return false
	}
	a, errA := strconv.ParseFloat(string(want), bits)
	b, errB := strconv.ParseFloat(string(got), bits)
	return errA == nil && errB == nil && math.Float64bits(a) == math.Float64bits(b)
}

func string16(u []uint16) string {
	b := make([]byte, 0, 2*len(u))
	for _, c := range u {
		b = append(b, byte(c>>8), byte(c))
	}
	return string(b)
}

// units reads a JSON string as the UTF-16 units that it stands for.
func units(text json.RawMessage) ([]uint16, bool) {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return nil, false
	}
	var out []uint16
	for s := text[1 : len(text)-1]; len(s) > 0; {
		if s[0] != '\\' {
			r, n := utf8.DecodeRune(s)
			out = utf16.AppendRune(out, r)
			s = s[n:]
			continue
		}
		if len(s) < 2 {
			return nil, false
		}
		if s[1] == 'u' {
			if len(s) < 6 {
				return nil, false
			}
			n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
			if err != nil {
				return nil, false
			}
			out = append(out, uint16(n))
			s = s[6:]
			continue
		}
		c, ok := map[byte]uint16{'"': '"', '\\': '\\', '/': '/', 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9}[s[1]]
		if !ok {
			return nil, false
		}
		out = append(out, c)
		s = s[2:]
	}
	return out, true
}
