package site

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcerpt(t *testing.T) {
	f := func(src string, line, column int, want string) {
		t.Helper()
		if diff := cmp.Diff(want, Excerpt([]byte(src), Pos{File: "x", Line: line, Column: column})); diff != "" {
			t.Errorf("Excerpt(%q, %d:%d) (-want +got)\n%s", src, line, column, diff)
		}
	}
	f("name: x\nport: y\n", 2, 7, "port: y\n      ^")
	f("name: x\r\nport: y", 1, 7, "name: x\n      ^")
	f("\tname:\tx", 1, 8, "\tname:\tx\n\t     \t^")
	f("größe: x", 1, 10, "größe: x\n       ^")
	f("a\x00\x1b[31mb\u202ec\xff", 1, 12, "a??[31mb?c?\n         ^")
	f("日本: x", 1, 9, "日本: x\n      ^")
	f("e\u0301: x", 1, 6, "e\u0301: x\n   ^")
	f("", 1, 1, "\n^")
	f("a", 1, 99, "a\n ^")
	f("a", 1, 0, "a\n^")
	f("a", 2, 1, "")
	f("a", 0, 0, "")
	long := strings.Repeat("0123456789", 30)
	got := Excerpt([]byte(long), Pos{Line: 1, Column: 151})
	line, caret, _ := strings.Cut(got, "\n")
	if n := len([]rune(line)); n > excerptWidth+1 || !strings.HasPrefix(line, "…") || !strings.HasSuffix(line, "…") {
		t.Errorf("%d characters: %s", n, line)
	}
	if []rune(line)[len(caret)-1] != '0' {
		t.Errorf("the caret stands wrong:\n%s", got)
	}
}

func TestNearest(t *testing.T) {
	f := func(name, want string, candidates ...string) {
		t.Helper()
		if got := Nearest(name, candidates); got != want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", name, candidates, got, want)
		}
	}
	f("prot", "port", "address", "port")
	f("Port", "port", "address", "port")
	f("adress", "address", "address", "port")
	f("subscriptionrequired", "subscriptionRequired", "subscriptionRequired")
	f("certificate", "", "address", "port")
	f("", "", "port")
	f("a", "b", "c", "b")
	f(strings.Repeat("x", 200), "", strings.Repeat("x", 199)+"y")
	f("x", "")
}

func TestHosts(t *testing.T) {
	good := []string{"localhost", "a", "a-b.internal", "contoso.openai.azure.com", "xn--bcher-kva.example", "_dns.internal", "10.0.0.1",
		"::1", "fd00::1", "1.example", strings.Repeat("a", 63) + ".x"}
	bad := []string{"", ".", "a.", "a..b", "-a", "a-", "A", "*.x", "a b", "a/b", "https://a", "a:443", "[::1]", "fe80::1%eth0", "::ffff:10.0.0.1",
		"1.2.3", "0x7f.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "10.0.0.256", "bücher.example", "a.0x1", "a.1",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "aa"}
	for _, h := range good {
		if why := badHost(h); why != "" {
			t.Errorf("badHost(%q) = %q", h, why)
		}
	}
	for _, h := range bad {
		if badHost(h) == "" {
			t.Errorf("badHost(%q) = \"\"", h)
		}
	}
}

func TestURLs(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		got := ""
		if u, e, _ := parseURL(s, "https", "http", "wss"); u != nil {
			got = e.String()
		}
		if got != want {
			t.Errorf("parseURL(%q) = %q, want %q", s, got, want)
		}
	}
	f("https://a.internal", "a.internal:443")
	f("https://A.internal:8443/openai/", "a.internal:8443")
	f("http://[fd00::1]/x", "[fd00::1]:80")
	f("wss://a.internal", "a.internal:443")
	for _, s := range []string{"", "a.internal", "//a.internal", "ftp://a.internal", "HTTPS:a", "https://", "https://:443", "https://a b", "https://a\\b",
		"https://u:p@a", "https://a?", "https://a?x", "https://a#x", "https://a:0", "https://a:65536", "https://a:x", "https://*.a", "https://127.1/",
		"https://a.internal\n", "https://a.internal%2f"} {
		f(s, "")
	}
}

func TestPrefixes(t *testing.T) {
	for _, p := range DefaultPrivatePrefixes() {
		if p != p.Masked() || !within(p, DefaultPrivatePrefixes()) {
			t.Errorf("%s", p)
		}
	}
	DefaultPrivatePrefixes()[0] = netip.Prefix{}
	if !DefaultPrivatePrefixes()[0].IsValid() {
		t.Error("callers share one list")
	}
	for s, want := range map[string]bool{
		"10.1.0.0/16": true, "10.0.0.0/7": false, "172.16.0.0/12": true, "172.0.0.0/8": false, "100.64.0.0/10": true,
		"fd00::/8": true, "fc00::/6": false, "::/0": false, "0.0.0.0/0": false, "::ffff:10.0.0.0/104": false,
	} {
		if got := within(netip.MustParsePrefix(s), DefaultPrivatePrefixes()); got != want {
			t.Errorf("within(%s) = %v", s, got)
		}
	}
	for _, s := range []string{"0.0.0.0", "::", "224.0.0.1", "ff02::1", "169.254.169.254", "fe80::1", "255.255.255.255", "168.63.129.16", "::ffff:168.63.129.16"} {
		if neverReached(netip.MustParseAddr(s)) == "" {
			t.Errorf("%s can be reached", s)
		}
	}
	for _, s := range []string{"10.0.0.1", "8.8.8.8", "127.0.0.1", "::1", "fd00::1"} {
		if why := neverReached(netip.MustParseAddr(s)); why != "" {
			t.Errorf("%s is %s", s, why)
		}
	}
}

func TestScopes(t *testing.T) {
	arm := "/subscriptions/0/resourceGroups/r/providers/Microsoft.ApiManagement/service/s"
	for s, want := range map[string]string{
		"/apis": "/apis", "/apis/a": "/apis/a", "/products/p": "/products/p", arm + "/apis": "/apis", arm + "/apis/a": "/apis/a",
		arm + "/products/p": "/products/p", arm: "/apis", arm + "/": "/apis",
		"": "", "/": "", "apis": "", "/users/1": "", "/products": "", "/products/": "", "/workspaces/w/x/y": "",
	} {
		if got, ok := normalScope(s); got != want || ok != (want != "") {
			t.Errorf("normalScope(%q) = %q, %v, want %q", s, got, ok, want)
		}
	}
}

func TestOperationIDs(t *testing.T) {
	for s, want := range map[string]string{
		"POST-/deployments/{deployment-id}/chat/completions": "post-deployments-deployment-id-chat-completions",
		"GET-/": "get", "ChatCompletions_Create": "chatcompletions-create", "--a--": "a", "": "", "ü": "",
		strings.Repeat("a", 100): strings.Repeat("a", maxOperationID),
	} {
		if got := normalOperationID(s); got != want {
			t.Errorf("normalOperationID(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestProblems_Err(t *testing.T) {
	var ps Problems
	ps.Warn(Pos{File: "b", Line: 2}, "w", "mend it", "odd %d", 1)
	ps.Note(Pos{}, "n", "by the way")
	if ps.Err() != nil || ps.HasErrors() {
		t.Error("warnings and notes count as errors")
	}
	ps.Add(Pos{File: "b", Line: 1, Column: 3}, "e", "this", "that", "wrong")
	ps.Add(Pos{File: "a"}, "e", "", "", "worse")
	ps.Sort()
	var got []string
	for _, p := range ps {
		got = append(got, p.String())
	}
	want := []string{"note: by the way", "a: error: worse", "b:1:3: error: wrong; expected this; mend: that", "b:2: warning: odd 1; mend: mend it"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := ps.Err(); err == nil || err.Error() != "the site has 2 error(s):\na: error: worse\nb:1:3: error: wrong; expected this; mend: that" {
		t.Errorf("Err() = %v", err)
	}
}

// TestPlaces counts columns in bytes where YAML counts characters, and lines
// as editors do where YAML knows other line ends.
func TestPlaces(t *testing.T) {
	src := newSource("x", []byte("\ufeffé: 1\u2028b: 2\r\nc: 3\rd: ü x\n"))
	y := newYAMLLines(src)
	for _, c := range []struct{ line, column, wantLine, wantColumn int }{
		{1, 1, 1, 4}, {1, 2, 1, 6}, {2, 1, 1, 12}, {3, 1, 2, 1}, {4, 1, 2, 6}, {4, 6, 2, 12}, {9, 9, 3, 1}, {0, 0, 1, 4},
	} {
		got := y.pos(c.line, c.column)
		if got != (Pos{"x", c.wantLine, c.wantColumn}) {
			t.Errorf("YAML %d:%d is %s, want %d:%d", c.line, c.column, got, c.wantLine, c.wantColumn)
		}
	}
}

func TestCauseHidesTheMachine(t *testing.T) {
	_, ps := Load("/no/such/directory")
	if len(ps) != 1 || strings.Contains(ps[0].Message, "/no/such") || !strings.Contains(ps[0].Message, "no such file") {
		t.Errorf("%s", render(ps))
	}
	if err := errors.New("x"); cause(err) != err {
		t.Error("cause changes other errors")
	}
}

func TestDefaults(t *testing.T) {
	s, ps := load(t, map[string]string{"cloister.yaml": minimal})
	if s == nil {
		t.Fatal(render(ps))
	}
	c := s.Config
	one := 1.0
	if diff := cmp.Diff(&one, c.Telemetry.OTLP.SampleRatio); diff != "" {
		t.Errorf("sample ratio (-want +got)\n%s", diff)
	}
	for name, ok := range map[string]bool{
		"publicNetworkAccess": c.PublicNetworkAccess == "Disabled",
		"health":              c.Health.Address == "127.0.0.1:9443",
		"names":               slices.Equal(c.Names.Servers, []string{"system"}),
		"state":               c.State.Directory == "state",
		"accessLog":           c.Telemetry.AccessLog == "stdout",
		"drainTimeout":        c.DrainTimeout == 30e9,
		"maxBodyBytes":        c.Limits.MaxBodyBytes == 32<<20,
		"headerTimeout":       c.Limits.HeaderTimeout == 5e9,
		"idleTimeout":         c.Limits.IdleTimeout == 60e9,
		"streamIdleTimeout":   c.Limits.StreamIdleTimeout == 300e9,
		"requestTimeout":      c.Limits.RequestTimeout == 3600e9,
		"maxConnections":      c.Limits.MaxConnections == 10_000,
		"privatePrefixes":     len(c.PrivatePrefixes) == len(DefaultPrivatePrefixes()),
		"callers":             c.Callers.Default == nil && c.Callers.APIs == nil,
		"nothing else":        len(c.Destinations.Model)+len(c.Tokens.Issuers)+len(c.Subscriptions)+len(c.Backends) == 0,
		"service":             s.Service != nil,
	} {
		if !ok {
			t.Errorf("the default of %s is another", name)
		}
	}
}

// TestGiven: members of a given object get their defaults too, and null is
// told from what is not given.
func TestGiven(t *testing.T) {
	s, ps := load(t, map[string]string{"cloister.yaml": minimal + `
limits: {idleTimeout: 1m30s}
callers: {default: [], apis: {}}
destinations:
  model: [{host: b.internal}]
  name: [{host: 10.0.0.53}]
  identity: [{host: 169.254.169.254, port: 80}]
backends:
  b: {url: "https://b.internal", credential: {managedIdentity: {}}}
  c: {url: "https://b.internal", credential: {apiKey: {key: {env: K}}}}
`})
	if s == nil {
		t.Fatal(render(ps))
	}
	c := s.Config
	b := c.Backends["b"]
	for name, ok := range map[string]bool{
		"idle":     c.Limits.IdleTimeout == 90e9 && c.Limits.HeaderTimeout == 5e9,
		"callers":  c.Callers.Default != nil && len(c.Callers.Default) == 0,
		"ports":    c.Destinations.Model[0].Port == 443 && c.Destinations.Name[0].Port == 53,
		"resource": b.Credential.ManagedIdentity.Resource == "https://cognitiveservices.azure.com",
		"one":      b.Credential.APIKey == nil && b.Credential.ClientSecret == nil && !b.Credential.None,
		"conns":    b.MaxConnections == 512,
		"header":   c.Backends["c"].Credential.APIKey.Header == "api-key",
		"place":    b.Pos == Pos{"cloister.yaml", 12, 6} && c.Backends["c"].Credential.APIKey.Key.Pos.Line == 13,
	} {
		if !ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
