package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScanRequestReads(t *testing.T) {
	f := func(body string, want RequestInfo) {
		t.Helper()
		got, err := ScanRequest([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		if d := cmp.Diff(want, *got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", body, d)
		}
	}
	f(`{}`, RequestInfo{})
	f(" \t\r\n{ } \n", RequestInfo{})
	f(`{"model":"gpt-4o","stream":true}`, RequestInfo{Model: "gpt-4o", Stream: true})
	f(`{"model" : null , "stream" : null, "n":null, "stream_options":null}`, RequestInfo{})
	f(`{"stream":true,"stream_options":{"include_usage":true}}`, RequestInfo{Stream: true, IncludeUsage: true})
	f(`{"stream_options":{}}`, RequestInfo{})
	f(`{"stream_options":{"x":[{"include_usage":1}],"include_usage":false}}`, RequestInfo{})
	f(`{"\u006dodel":"\u0067pt\u002d\uD83D\uDE00\n"}`, RequestInfo{Model: "gpt-😀\n"})
	f(`{"max_tokens":5,"max_completion_tokens":1e2,"max_output_tokens":7.0,"n":3}`, RequestInfo{MaxTokens: 100, Choices: 3})
	f(`{"n":2,"best_of":3,"prompt":["a",[1, 2]] }`, RequestInfo{Choices: 3, Prompts: 2, PromptBytes: 12})
	f(`{"prompt":[1,2],"n":2,"best_of":1}`, RequestInfo{Choices: 2, PromptBytes: 5})
	f(`{"prompt":[]}`, RequestInfo{PromptBytes: 2})
	f(`{"messages":[ 1 ],"input":"abc"}`, RequestInfo{PromptBytes: 10})
	f(`{"metadata":{"model":"other","model":"twice","Stream":true}}`, RequestInfo{})
	f(`{"a":[[[],{}],{"b":-0.5e+10}],"c":"é\\\"\/"}`, RequestInfo{})
	f(strings.Repeat("[", 0)+`{"a":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`}`, RequestInfo{})
}

func TestScanRequestRefuses(t *testing.T) {
	f := func(body string, reason Reason, offset int, member string) {
		t.Helper()
		_, err := ScanRequest([]byte(body))
		var e *ScanError
		if !errors.As(err, &e) {
			t.Errorf("%.80q was accepted", body)
			return
		}
		want := ScanError{Offset: offset, Reason: reason, Member: member}
		if d := cmp.Diff(want, *e); d != "" {
			t.Errorf("%.80q: (-want +got)\n%s", body, d)
		}
	}
	// Not one JSON object.
	f(``, ReasonNotObject, 0, "")
	f(`[]`, ReasonNotObject, 0, "")
	f(`"x"`, ReasonNotObject, 0, "")
	f("\ufeff{}", ReasonNotObject, 0, "")
	f(`{`, ReasonSyntax, 1, "")
	f(`{"a"`, ReasonSyntax, 4, "")
	f(`{"a":}`, ReasonSyntax, 5, "")
	f(`{"a":1,}`, ReasonSyntax, 7, "")
	f(`{"a":1 "b":2}`, ReasonSyntax, 7, "")
	f(`{a:1}`, ReasonSyntax, 1, "")
	f(`{'a':1}`, ReasonSyntax, 1, "")
	f(`{"a":[1,]}`, ReasonSyntax, 8, "")
	f(`{"a":[1}}`, ReasonSyntax, 7, "")
	f(`{"a":tru}`, ReasonSyntax, 5, "")
	f(`{"a":01}`, ReasonSyntax, 6, "")
	f(`{"a":+1}`, ReasonSyntax, 5, "")
	f(`{"a":1.}`, ReasonSyntax, 7, "")
	f(`{"a":.5}`, ReasonSyntax, 5, "")
	f(`{"a":1e}`, ReasonSyntax, 7, "")
	f(`{"a":NaN}`, ReasonSyntax, 5, "")
	f(`{"a":/**/1}`, ReasonSyntax, 5, "")
	f("{\"a\":\"\n\"}", ReasonSyntax, 6, "")
	f(`{"a":"\x41"}`, ReasonSyntax, 6, "")
	f(`{"a":"\u00g0"}`, ReasonSyntax, 6, "")
	f(`{"a":"open`, ReasonSyntax, 10, "")
	f(`{}{}`, ReasonTrailing, 2, "")
	f("{}\x00", ReasonTrailing, 2, "")
	f(`{} x`, ReasonTrailing, 3, "")
	// Two readings.
	f(`{"model":"a","model":"b"}`, ReasonDuplicate, 13, "model")
	f(`{"model":"a","\u006dodel":"b"}`, ReasonDuplicate, 13, "model")
	f(`{"m\u006fdel":"a","\u006dodel":"b"}`, ReasonDuplicate, 18, "model")
	f(`{"temperature":1,"temperature":1}`, ReasonDuplicate, 17, "")
	f(`{"stream_options":{"include_usage":true,"include_usage":false}}`, ReasonDuplicate, 40, "stream_options")
	f(`{"stream_options":{"x":1,"x":1}}`, ReasonDuplicate, 25, "stream_options")
	f(`{"Model":"a"}`, ReasonCaseVariant, 1, "model")
	f(`{"model":"a","STREAM":true}`, ReasonCaseVariant, 13, "stream")
	f(`{"\u004dodel":"a"}`, ReasonCaseVariant, 1, "model")
	f(`{"ſtream":true}`, ReasonCaseVariant, 1, "stream")
	f(`{"\u017ftream":true}`, ReasonCaseVariant, 1, "stream")
	f(`{"max_to`+"\u212a"+`ens":1}`, ReasonCaseVariant, 1, "max_tokens")
	f(`{"N":1}`, ReasonCaseVariant, 1, "n")
	f(`{"stream_options":{"Include_Usage":true}}`, ReasonCaseVariant, 19, "stream_options")
	// Not text.
	f("{\"a\":\"\xff\"}", ReasonUTF8, 6, "")
	f("{\"a\":\"0123456789\xed\xa0\x80\"}", ReasonUTF8, 16, "")
	f("{\"a\":\"\xc0\xaf\"}", ReasonUTF8, 6, "")
	f("{\"a\xe2\x82\":1}", ReasonUTF8, 3, "")
	f(`{"a":"\ud800"}`, ReasonLoneSurrogate, 6, "")
	f(`{"a":"\udc00"}`, ReasonLoneSurrogate, 6, "")
	f(`{"a":"\ud800\ud800"}`, ReasonLoneSurrogate, 6, "")
	f(`{"a":"\ud800\u0041"}`, ReasonLoneSurrogate, 6, "")
	// Members that are read.
	f(`{"model":7}`, ReasonType, 9, "model")
	f(`{"model":["a"]}`, ReasonType, 9, "model")
	f(`{"model":"`+strings.Repeat("a", 513)+`"}`, ReasonValue, 10, "model")
	f(`{"stream":"true"}`, ReasonType, 10, "stream")
	f(`{"stream":1}`, ReasonType, 10, "stream")
	f(`{"stream_options":true}`, ReasonType, 18, "stream_options")
	f(`{"max_tokens":"5"}`, ReasonType, 14, "max_tokens")
	f(`{"max_tokens":-1}`, ReasonValue, 14, "max_tokens")
	f(`{"max_tokens":1.5}`, ReasonValue, 14, "max_tokens")
	f(`{"max_tokens":1e999}`, ReasonValue, 14, "max_tokens")
	f(`{"n":4294967296}`, ReasonValue, 5, "n")
	// Bounds.
	f(`{"a":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`}`, ReasonTooDeep, 68, "")
	f(strings.Repeat(`{"a":`, 100000), ReasonTooDeep, 320, "")
	f(manyMembers(129), ReasonTooMany, len(manyMembers(128)), "")
	f(`{"a":"`+strings.Repeat("a", MaxBody)+`"}`, ReasonTooLarge, MaxBody, "")
}

// manyMembers returns an object of n members.
func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",\"" + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + "\":0")
	}
	return "{" + b.String()[1:] + "}"
}

func TestScanErrorSaysNothingOfTheBody(t *testing.T) {
	_, err := ScanRequest([]byte(`{"secret-name":1,"secret-name":2}`))
	if err == nil || strings.Contains(err.Error(), "secret-name") {
		t.Errorf("got %v", err)
	}
}
