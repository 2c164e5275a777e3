package text

import (
	"testing"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// FuzzURI: whatever is read is written as something that reads the same.
func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"http://u:p@H:80/a/../b?c#d", "a/b", "/x", "mailto:a@b", "file:///C:/x", `\\s\x`, "http://[::1%1]/", "urn:a:b", "http://é/%C3%A9%zz", "c|/", "ftp://h?x",
	} {
		f.Add(s, "../x?y#z")
	}
	f.Fuzz(func(t *testing.T, s, rel string) {
		u, err := parseURI(s, anyURI, false)
		if err != uriFine {
			return
		}
		u.wellFormed()
		_ = u.ToString()
		if !u.absolute() {
			return
		}
		_, _, _, _ = u.segments(), u.localPath(), u.idnHost(), u.left(3)
		for _, c := range []byte(u.path + u.query + u.frag) {
			if !u.dontEscape && c >= utf8.RuneSelf {
				t.Errorf("%q is not escaped: %q", s, u.AbsoluteUri())
			}
		}
		if r, err := parseURI(rel, anyURI, false); err == uriFine {
			if v, err := combine(u, r); err == uriFine {
				u.relativeTo(v)
				u.baseOf(v)
			}
		}
		if u.implicit || u.unc || u.dos || u.syntax.mailTo {
			return
		}
		again, err := parseURI(u.AbsoluteUri(), absoluteURI, false)
		if err == uriFine && again.host != u.host {
			t.Errorf("%q has host %q, written %q it has %q", s, u.host, u.AbsoluteUri(), again.host)
		}
	})
}

// FuzzAddress: an address is written as something that reads the same.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "0x7f.1", "::1", "::ffff:1.2.3.4", "[fe80::1%5]:80", "1:2:3:4:5:6:7::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseAddress(s)
		if !ok {
			return
		}
		if b, ok := parseAddress(a.text()); !ok || b != a {
			t.Errorf("%q is %q, which is %v", s, a.text(), b)
		}
	})
}

// FuzzText: decoders and encoders end well on anything, and what was escaped
// comes back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a&amp;b", "%C3%A9+%zz", "&#x1F600;", "+AOk-", "\xff\xfe", "\xed\xa0\xbd", "{0,5:x}", "é\u0301"} {
		f.Add(s, "{0:}}{1}")
	}
	f.Fuzz(func(t *testing.T, s, format string) {
		th := thread()
		for _, e := range encodings {
			_ = e.Text(th, []byte(s))
		}
		if !utf8.ValidString(s) {
			return
		}
		for _, e := range encodings {
			_ = e.Bytes(th, s)
		}
		if got := utf7Encoding.Text(th, utf7Encoding.Bytes(th, s)); got != s {
			t.Errorf("UTF-7 makes %q of %q", got, s)
		}
		if got := UrlDecode(UrlEncode(s)); got != s {
			t.Errorf("UrlDecode makes %q of %q", got, s)
		}
		if got := HtmlDecode(HtmlEncode(s)); got != s {
			t.Errorf("HtmlDecode makes %q of %q", got, s)
		}
		if e, ok := EscapeData(s, &dataPlain); !ok || unescapeAll(e) != s {
			t.Errorf("UnescapeDataString makes %q of %q", unescapeAll(e), s)
		}
		call(th, "System.String.Format(string, object, object)", clr.Str(format), clr.Str(s), clr.Int(1))
		if Compare(s, s, true) != 0 || Compare(s, format, false) != -Compare(format, s, false) {
			t.Errorf("%q and %q have no order", s, format)
		}
	})
}
