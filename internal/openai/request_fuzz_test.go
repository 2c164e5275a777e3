package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzScanRequest holds the scanner against encoding/json. What it accepts has
// to be valid JSON in which every reader, the last-wins and the case-insensitive
// one included, sees the model and the stream that the scanner saw. What it
// refuses has to have one of the faults that it names.
func FuzzScanRequest(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"a","model":"b"}`, `{"Model":"a","model":"b"}`, `{"\u006dodel":"a"}`,
		`{"ſtream":true}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, "{\"a\":\"\xff\"}",
		`{"a":[1,-2.5e+3,true,false,null,{"b":{}}]}`, `{"max_tokens":1e2,"n":1.0}`,
		`{"a":1}x`, `{"a":"0123456789\n\\\"0123456789"}`, `{"messages":[{"role":"user","content":"hé"}]}`,
		strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		info, err := ScanRequest(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			var e *ScanError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(body) {
				t.Fatalf("bad error %#v", err)
			}
			if info != nil {
				t.Fatal("an error and a result")
			}
			if faultless(body) {
				t.Fatalf("refused %q: %v", body, err)
			}
			return
		}
		checkReadings(t, body, info)
	})
}

func checkReadings(t *testing.T, body []byte, info *RequestInfo) {
	if !json.Valid(body) || !utf8.Valid(body) {
		t.Fatalf("accepted invalid JSON %q", body)
	}
	var last map[string]any
	if err := json.Unmarshal(body, &last); err != nil {
		t.Fatal(err)
	}
	model, _ := last["model"].(string)
	stream, _ := last["stream"].(bool)
	options, _ := last["stream_options"].(map[string]any)
	usage, _ := options["include_usage"].(bool)
	if model != info.Model || stream != info.Stream || usage != info.IncludeUsage {
		t.Fatalf("%q: a map reads %q %v %v, the scanner %+v", body, model, stream, usage, *info)
	}
	var folded struct {
		Model   *string `json:"model"`
		Stream  *bool   `json:"stream"`
		Options *struct {
			IncludeUsage *bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &folded); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	if m := folded.Model; m != nil && *m != info.Model || m == nil && info.Model != "" {
		t.Fatalf("%q: a struct reads another model than %q", body, info.Model)
	}
	if s := folded.Stream; (s != nil && *s) != info.Stream {
		t.Fatalf("%q: a struct reads another stream than %v", body, info.Stream)
	}
	o := folded.Options
	if (o != nil && o.IncludeUsage != nil && *o.IncludeUsage) != info.IncludeUsage {
		t.Fatalf("%q: a struct reads other stream options than %+v", body, *info)
	}
}

// faultless is a slow second opinion: it reports bodies that the scanner has
// no reason to refuse. It leaves out what it cannot judge itself (escaped
// surrogates, and members that are read, whose types it does not know).
func faultless(body []byte) bool {
	if !json.Valid(body) || !utf8.Valid(body) || bytes.Contains(body, []byte(`\u`)) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	names := map[string]bool{}
	depth, members := 1, 0
	name := true // the next token at depth 1 is a name
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return members <= maxMembers
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > MaxDepth {
				return false
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if depth == 1 && name {
				s := t.(string)
				if known, _ := lookup([]byte(s)); known != "" || names[s] {
					return false
				}
				names[s] = true
				members++
				name = false
				continue
			}
		}
		if depth == 1 {
			name = true
		}
	}
}
