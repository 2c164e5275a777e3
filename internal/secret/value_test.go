package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const text = "s3cret-Value"

// seen reports whether out holds the secret in a form that a reader could
// turn back.
func seen(out string) bool {
	out = strings.ToLower(out)
	for _, form := range []string{
		strings.ToLower(text),
		fmt.Sprintf("%x", text),
		strings.Trim(fmt.Sprint([]byte(text)), "[]"),
	} {
		if strings.Contains(out, form) {
			return true
		}
	}
	return false
}

// holder keeps a Value where fmt cannot call its methods.
type holder struct {
	hidden Value
	Shown  Value
	Ptr    *Value
	Map    map[string]Value
	List   []Value
	Any    any
}

func newHolder() holder {
	v := New(text)
	return holder{v, v, &v, map[string]Value{"k": v}, []Value{v}, v}
}

func TestFormatNeverShowsTheText(t *testing.T) {
	v, h := New(text), newHolder()
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
		for _, flags := range []string{"", "+", "#", " ", "0", "-40", ".3"} {
			f := "%" + flags + string(verb)
			for _, x := range []any{v, &v, h, &h, []any{v}, struct{ v Value }{v}} {
				if out := fmt.Sprintf(f, x); seen(out) {
					t.Errorf("Sprintf(%q, %T) = %s", f, x, out)
				}
			}
		}
	}
	for _, out := range []string{fmt.Sprint(v), fmt.Sprintf("%s", v), fmt.Sprintf("%#v", v), v.String(), v.GoString()} {
		if out != Redacted {
			t.Errorf("got %q, want %q", out, Redacted)
		}
	}
	if err := fmt.Errorf("with %v: %w", v, errors.New("x")); seen(err.Error()) {
		t.Errorf("error shows the text: %v", err)
	}
}

func TestEncodersNeverShowTheText(t *testing.T) {
	h := newHolder()
	var out bytes.Buffer
	for _, enc := range []struct {
		name string
		run  func(any) error
	}{
		{"json", func(x any) error { return json.NewEncoder(&out).Encode(x) }},
		{"yaml", func(x any) error { return yaml.NewEncoder(&out).Encode(x) }},
		{"xml", func(x any) error { return xml.NewEncoder(&out).Encode(x) }},
		{"gob", func(x any) error { return gob.NewEncoder(&out).Encode(x) }},
	} {
		for _, x := range []any{h.Shown, h.Ptr, struct{ S Value }{h.Shown}, map[string]Value{"a": h.Shown}} {
			out.Reset()
			// An encoder may refuse; it may not show.
			err := enc.run(x)
			if seen(out.String()) || (err != nil && seen(err.Error())) {
				t.Errorf("%s of %T shows the text: %s %v", enc.name, x, out.String(), err)
			}
		}
	}
	out.Reset()
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", h.Shown, "ptr", h.Ptr, "holder", h)
	}
	if seen(out.String()) {
		t.Errorf("slog shows the text: %s", out.String())
	}
	if !strings.Contains(out.String(), Redacted) {
		t.Errorf("slog shows nothing: %s", out.String())
	}
}

func TestValue(t *testing.T) {
	v := New(text)
	if v.Reveal() != text {
		t.Errorf("Reveal = %q", v.Reveal())
	}
	if v.IsZero() || !New("").IsZero() || !(Value{}).IsZero() {
		t.Error("IsZero is wrong")
	}
	if (Value{}).Reveal() != "" || (Value{}).String() != Redacted {
		t.Error("the zero Value is wrong")
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{"a", "a", true}, {"a", "b", false}, {"a", "aa", false}, {"", "", true}, {"", "a", false}} {
		if got := New(c.a).Equal(New(c.b)); got != c.want {
			t.Errorf("Equal(%q, %q) = %v", c.a, c.b, got)
		}
	}
}
