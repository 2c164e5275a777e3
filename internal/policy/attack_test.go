package policy

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/secret"
)

// TestMask: what is masked is gone in every spelling that a header, a URL or a
// message has, and everything else stays byte for byte.
func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"nothing":                        "nothing",
		"Key: s3cret+key/=":              "Key: ***",
		"S3CRET+Key/=s3cret+key/=!":      "******!",
		"?k=s3cret%2Bkey%2F%3D&a=b":      "?k=***&a=b",
		"\u00c4\u212a s3cret+key/= \xff": "\u00c4\u212a *** \xff",
		"short":                          "short",
	} {
		if got := secret.Mask(in, secret.NewMasker("s3cret+key/=", "short", "")); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestNotesAreBounded: however often policies run, a record stays small.
func TestNotesAreBounded(t *testing.T) {
	x := newExchange(nil)
	for range 10_000 {
		x.Note(strings.Repeat("x", 10_000))
	}
	if len(x.Notes) != mostNotes+1 || len(x.Notes[0]) > longestNote+3 {
		t.Errorf("%d notes, the first of %d bytes", len(x.Notes), len(x.Notes[0]))
	}
}

// TestFoundInWait: an answer out of the cache, found by a policy in wait, is the
// answer; nothing else is asked, and outbound does not leave policies out for an
// answer of the backend.
func TestFoundInWait(t *testing.T) {
	for name, mode := range map[string]string{"all": `for="all"`, "any": `for="any"`} {
		t.Run(name, func(t *testing.T) {
			p := cachingPipeline(t, `<policies><inbound>
<wait `+mode+`><choose><when condition="@(context.Request.Headers.ContainsKey("X-Late"))"><set-variable name="a" value="b" /></when></choose>
<choose><when condition="@(true)"><cache-lookup vary-by-developer="true" vary-by-developer-groups="false" /></when></choose></wait>
</inbound><outbound><set-header name="X-Judged"><value>yes</value></set-header><cache-store duration="60" /></outbound></policies>`)
			s := &Services{Caches: NewCaches(0, nil)}
			for range 2 {
				x := asking(s, "a", "GET", "/", "")
				answering(x, 200, "content")
				p.Run(t.Context(), x)
				if x.Response.Header.Get("X-Judged") != "yes" {
					t.Errorf("the answer has not seen outbound: %v %v", x.Response.Header, x.Notes)
				}
				_ = bodyOf(x)
			}
		})
	}
}

// TestNestedRetries: repetitions of repetitions end, and say why.
func TestNestedRetries(t *testing.T) {
	const open, shut = `<retry condition="true" count="50" interval="0">`, `</retry>`
	p := mustCompile(t, "-- api.xml --\n<policies><inbound>"+strings.Repeat(open, 6)+`<set-variable name="a" value="b" />`+strings.Repeat(shut, 6)+"</inbound></policies>\n")
	x := newExchange(nil)
	p.Run(t.Context(), x)
	if e := x.LastError; e == nil || e.Reason != "TooManyPolicies" || x.Response.StatusCode != 500 {
		t.Errorf("%+v", e)
	}
}
