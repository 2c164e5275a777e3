package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestMask: a secret is gone in all its usual forms, wherever it stands.
func TestMask(t *testing.T) {
	const s = "s3cret+key/=\"x\""
	b64, b64url := base64.StdEncoding.EncodeToString, base64.URLEncoding.EncodeToString
	quoted, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"":                            "",
		"nothing of it":               "nothing of it",
		"Key: " + s + "!":             "Key: ***!",
		strings.ToUpper(s) + s + ".":  "******.",
		"?k=" + url.QueryEscape(s):    "?k=***",
		"/" + url.PathEscape(s) + "/": "/***/",
		string(quoted):                `"***"`,
		hex.EncodeToString([]byte(s)): "***",
		b64([]byte(s)):                "***",
		"id=" + b64url([]byte(s)):     "id=***",
		"\u00c4\u212a " + s + " \xff": "\u00c4\u212a *** \xff",
		s[:len(s)-1]:                  s[:len(s)-1],
	} {
		if got := Mask(in, NewMasker(s, "short", "")); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	// Within longer texts in base64, at every place of a group.
	for before := range 7 {
		for after := range 4 {
			text := []byte(strings.Repeat("u", before) + s + strings.Repeat("v", after))
			for _, encoded := range []string{b64(text), b64url(text)} {
				got := Mask(encoded, NewMasker(s))
				if !strings.Contains(got, "***") || len(got) > 4*(before+after)/3+16 {
					t.Errorf("%d before, %d after: %q of %q", before, after, got, encoded)
				}
			}
		}
	}
}

// TestMaskOverlaps: what two secrets share leaves nothing of either, whoever knows
// them and in whichever order.
func TestMaskOverlaps(t *testing.T) {
	a, b := NewMasker("0123456789abcdef"), NewMasker("89abcdefghijklmn", "456789ab")
	for _, maskers := range [][]*Masker{{a, b}, {b, a}, {NewMasker("0123456789abcdef", "89abcdefghijklmn", "456789ab")}} {
		if got := Mask("<0123456789abcdefghijklmn>", maskers...); got != "<***>" {
			t.Errorf("%q", got)
		}
		if got := Mask("<456789abcdefgh>", maskers...); got != "<***cdefgh>" {
			t.Errorf("%q", got)
		}
	}
	if got := Mask("0123456789abcdef"); got != "0123456789abcdef" {
		t.Errorf("without a masker: %q", got)
	}
}

// TestMaskStart: a secret that the end of a text divides is masked.
func TestMaskStart(t *testing.T) {
	const s = "0123456789abcdef"
	m := NewMasker(s, "zyxwvutsrq")
	for n := range len(s) {
		want := "text ***"
		if n < minStart {
			want = "text " + s[:n]
		}
		if got := MaskStart("text "+s[:n], m); got != want {
			t.Errorf("%d bytes of it: %q", n, got)
		}
		if n < len(s) {
			if got := Mask("text "+s[:n], m); got != "text "+s[:n] {
				t.Errorf("not cut, %d bytes of it: %q", n, got)
			}
		}
	}
	if got := MaskStart("text 0123456789abcdef", m); got != "text ***" {
		t.Errorf("%q", got)
	}
}

// TestMaskerAdds: credentials in headers and cookies, as they are sent.
func TestMaskerAdds(t *testing.T) {
	m := &Masker{}
	m.AddHeader("Bearer header.payload.sig")
	m.AddHeader("Basic " + base64.StdEncoding.EncodeToString([]byte("the-user:pass:word")))
	m.AddHeader("Basic not-base64-at-all!")
	m.AddHeader("plain-key-0123")
	m.AddCookies(`session=abcdefgh; theme=dark; id="quoted-value"`, false)
	m.AddCookies("sid=set-by-the-backend; Path=/somewhere; Secure", true)
	m.AddURL("https://blob.example/x?sv=2024&sig=a%2Fsignature%3D&se=the-end-of-it&code=the-key-of-a-function")
	m.AddURL("no query, sig=not-of-a-query")
	if got := Mask("a/signature= a%2Fsignature%3D the-key-of-a-function the-end-of-it not-of-a-query", m); got != "*** *** *** the-end-of-it not-of-a-query" {
		t.Errorf("%q", got)
	}
	text := `header.payload.sig the-user pass:word not-base64-at-all! plain-key-0123 abcdefgh dark quoted-value set-by-the-backend /somewhere`
	const want = `*** *** *** *** *** *** dark *** *** /somewhere`
	if got := Mask(text, m); got != want {
		t.Errorf("%q", got)
	}
	// What is added later counts too.
	m.Add("added-later")
	if got := Mask("added-later", m); got != "***" {
		t.Errorf("%q", got)
	}
	many := &Masker{}
	var line strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&line, "c%d=value-%08d; ", i, i)
	}
	many.AddCookies(line.String(), false)
	if n := len(many.known); n > mostCookies+1 {
		t.Errorf("%d secrets out of one line", n)
	}
}

// TestMaskIsBounded: a text and cookies that were made for each other cost no more than
// others; the rest of such a text is not shown.
func TestMaskIsBounded(t *testing.T) {
	m := &Masker{}
	var line strings.Builder
	for i := range mostCookies {
		fmt.Fprintf(&line, "c%d=%s%d; ", i, strings.Repeat("a", 200), i)
	}
	m.AddCookies(line.String(), false)
	text := strings.Repeat("a", 200<<10) + " the end"
	got := Mask(text, m)
	if len(got) > len(text)/4 || !strings.HasSuffix(got, "a***") {
		t.Errorf("%d bytes are left, which end in %q", len(got), got[len(got)-8:])
	}
	// What is full of one secret is masked to its end, and no further.
	if got, want := Mask(strings.Repeat("a-secret-often ", 10_000)+"end", NewMasker("a-secret-often", "a-secret-other")), strings.Repeat("*** ", 10_000)+"end"; got != want {
		t.Errorf("%d bytes", len(got))
	}
}

func TestCredentialName(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "Set-Cookie": true, "Api-Key": true, "X-Api-Key": true,
		"X-Functions-Key": true, "Ocp-Apim-Subscription-Key": true, "X-Auth-Token": true, "access_token": true, "accessToken": true,
		"client_secret": true, "clientSecret": true, "secretValue": true, "apikey": true, "sig": true, "Apim-Debug-Authorization": true,
		"X-Ms-Token-Aad-Access-Token": true, "primaryKey": true, "PASSWORD": true,
		"": false, "-": false, "value": false, "token_type": false, "Idempotency-Key": false, "Sec-Websocket-Key": false, "max_tokens": false,
		"X-Ratelimit-Remaining-Tokens": false, "key": false, "id": false, "Cookie2": false, "Content-Type": false, "secretId": false, "token-": false,
	} {
		if got := CredentialName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// FuzzMask: whatever stands around a secret, it is gone; the rest stays.
func FuzzMask(f *testing.F) {
	f.Add("before ", "secret-of-8", " after", uint16(40))
	f.Add("ssecret", "secretsecret", "secretsecre", uint16(9))
	f.Fuzz(func(t *testing.T, before, s, after string, cut uint16) {
		if len(s) < minMasked || len(s) > 1<<10 || strings.Contains(masked+masked+masked, s) {
			return
		}
		m := NewMasker(s)
		for _, form := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(before + s + after))} {
			text := before + form + after
			got := Mask(text, m)
			if len(got) >= len(text) || !strings.Contains(got, masked) {
				t.Fatalf("%q of %q", got, text)
			}
		}
		text := before + s + after
		start := MaskStart(text[:min(int(cut), len(text))], m)
		if len(start) > int(cut) {
			t.Fatalf("%q grew from %d bytes", start, cut)
		}
		if int(cut) >= len(before)+minStart && !strings.Contains(start, masked) {
			t.Fatalf("%q of %q cut at %d", start, text, cut)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	token := strings.Repeat("header.payload.", 100)
	held := NewMasker("a-credential-of-the-gateway", token+"x", "another-credential-of-the-gateway")
	b.Run("short", func(b *testing.B) {
		for b.Loop() {
			m := &Masker{}
			m.Add(token)
			m.Add("0123456789abcdef0123456789abcdef")
			Mask("the dimension of a metric", m, held)
		}
	})
	text := strings.Repeat("what a policy sends to an event hub ", 5000)
	b.Run("long", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		m := NewMasker(token)
		for b.Loop() {
			Mask(text, m, held, held, m)
		}
	})
}
