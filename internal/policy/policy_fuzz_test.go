package policy

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// FuzzRewrite: whatever the caller puts into parameters, the path has the
// segments of the template, and the query its parameters.
func FuzzRewrite(f *testing.F) {
	for _, v := range []string{"gpt-4o", "a/b", "..", "%2e%2e", "a?b#c", "é", "\\", "a;b", "a\r\nb", "\x00", "a&b=c"} {
		f.Add(v, v)
	}
	p := mustCompile(f, `-- operation.xml --
<policies><inbound><rewrite-uri template="/deployments/{id}/files/{*rest}?q={id}" copy-unmatched-params="false" /></inbound></policies>
`)
	f.Fuzz(func(t *testing.T, id, rest string) {
		x := newExchange(func(context.Context, *Exchange, ForwardOptions) error { return &Error{Status: 599} })
		x.Request.Path = "/as-it-was"
		x.MatchedParameters = map[string]string{"id": id, "rest": rest}
		p.Run(t.Context(), x)
		if x.LastError.Source == "rewrite-uri" {
			if x.Response.StatusCode != 400 || x.Request.Path != "/as-it-was" {
				t.Errorf("refused with %d, path %q", x.Response.StatusCode, x.Request.Path)
			}
			return
		}
		path, query := x.Request.Path, x.Request.Query
		u, err := url.ParseRequestURI(path + "?" + query)
		if err != nil || u.EscapedPath() != path || u.RawQuery != query || u.Host != "" {
			t.Fatalf("%q?%q: %v", path, query, err)
		}
		if u.Path != "/deployments/"+id+"/files/"+rest {
			t.Errorf("path %q for %q and %q", u.Path, id, rest)
		}
		if values, err := url.ParseQuery(query); err != nil || len(values) != 1 || len(values["q"]) != 1 || values.Get("q") != id {
			t.Errorf("query %q for %q: %v", query, id, err)
		}
		for s := range strings.SplitSeq(u.Path, "/") {
			if s == "." || s == ".." {
				t.Errorf("path %q", u.Path)
			}
		}
		for i := range len(path + query) {
			if c := (path + query)[i]; c <= ' ' || c >= 0x7f || c == '#' {
				t.Errorf("%q?%q holds %q", path, query, c)
			}
		}
	})
}

// FuzzSetQueryParameter: a parameter that is removed is gone in every spelling,
// one that is set stands once, and the others stay as they are.
func FuzzSetQueryParameter(f *testing.F) {
	for _, q := range []string{"", "a=1", "a=1&A=2&b=3", "%61=1&b", "&&a&=&b=+", "a=1;b=2", "b=%zz&a=%41"} {
		f.Add(q)
	}
	gone := mustCompile(f, `-- api.xml --
<policies><inbound><set-query-parameter name="a" exists-action="delete" /></inbound></policies>
`)
	set := mustCompile(f, `-- api.xml --
<policies><inbound><set-query-parameter name="a"><value>new</value></set-query-parameter></inbound></policies>
`)
	f.Fuzz(func(t *testing.T, query string) {
		for p, want := range map[*Pipeline]int{gone: 0, set: 1} {
			x := newExchange(func(context.Context, *Exchange, ForwardOptions) error { return &Error{Status: 599} })
			x.Request.Query = query
			p.Run(t.Context(), x)
			count := 0
			var others, before []string
			for pair := range strings.SplitSeq(x.Request.Query, "&") {
				if key, _, _ := strings.Cut(pair, "="); pair != "" && isA(key) {
					count++
				} else if pair != "" {
					others = append(others, pair)
				}
			}
			for pair := range strings.SplitSeq(query, "&") {
				if key, _, _ := strings.Cut(pair, "="); pair != "" && !isA(key) {
					before = append(before, pair)
				}
			}
			if count != want || strings.Join(others, "&") != strings.Join(before, "&") {
				t.Errorf("%q became %q", query, x.Request.Query)
			}
		}
	})
}

func isA(key string) bool {
	decoded, err := url.QueryUnescape(key)
	return err == nil && (decoded == "a" || decoded == "A") || key == "a" || key == "A"
}

// FuzzIPFilter: the sorted ranges say what a look at each range says.
func FuzzIPFilter(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 10, 0, 0, 9, 10, 0, 0, 5, 10, 0, 1, 0}, []byte{10, 0, 0, 9})
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, raw, client []byte) {
		a, ok := netip.AddrFromSlice(client)
		if !ok {
			return
		}
		a = a.Unmap()
		var ranges []addressRange
		want := false
		for ; len(raw) >= 8; raw = raw[8:] {
			first, _ := netip.AddrFromSlice(raw[:4])
			last, _ := netip.AddrFromSlice(raw[4:8])
			if len(raw)%3 == 0 {
				var six [16]byte
				copy(six[:], raw[:4])
				first = netip.AddrFrom16(six)
				copy(six[8:], raw[4:8])
				last = netip.AddrFrom16(six)
			}
			if last.Less(first) {
				first, last = last, first
			}
			ranges = append(ranges, addressRange{first, last})
			want = want || a.Is4() == first.Is4() && !a.Less(first) && !last.Less(a)
		}
		s := &ipFilter{ranges: merge(ranges)}
		if got := s.holds(a); got != want {
			t.Errorf("%v in %v (%v): %v, want %v", a, ranges, s.ranges, got, want)
		}
	})
}

// FuzzCORS: only an origin of the list is ever allowed, and nothing but what
// was asked is written back.
func FuzzCORS(f *testing.F) {
	f.Add("https://app.example", "POST", "api-key, x-a")
	f.Add("https://app.example.evil", "POST", "")
	f.Add("HTTPS://APP.EXAMPLE", "GE\r\nT", "a\r\nb: c")
	p := mustCompile(f, `-- api.xml --
<policies><inbound><cors allow-credentials="true">
  <allowed-origins><origin>https://app.example</origin></allowed-origins>
  <allowed-methods><method>*</method></allowed-methods>
  <allowed-headers><header>*</header></allowed-headers>
</cors></inbound></policies>
`)
	f.Fuzz(func(t *testing.T, origin, method, headers string) {
		x := newExchange(nil)
		x.Request.Header["Origin"] = []string{origin}
		x.Request.Header["Access-Control-Request-Method"] = []string{method}
		x.Request.Header["Access-Control-Request-Headers"] = []string{headers}
		if !p.Preflight(t.Context(), x) || x.Response.StatusCode != 200 || x.Response.Body != nil {
			t.Fatalf("%+v", x.Response)
		}
		h := x.Response.Header
		if allowed := h.Get("Access-Control-Allow-Origin"); allowed != "" && !strings.EqualFold(allowed, "https://app.example") {
			t.Errorf("allowed %q", allowed)
		}
		for name, values := range h {
			for _, v := range values {
				if !isFieldValue(v) {
					t.Errorf("%s: %q", name, v)
				}
			}
		}
	})
}
