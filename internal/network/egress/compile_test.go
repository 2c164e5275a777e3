package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func TestProblems(t *testing.T) {
	prefix := func(s, reason string) site.PrivatePrefix {
		return site.PrivatePrefix{Prefix: netip.MustParsePrefix(s), Reason: reason}
	}
	model := func(list ...site.Destination) *site.Config {
		return &site.Config{Destinations: site.Destinations{Model: list}}
	}
	call := func(list ...site.Destination) *site.Config {
		return &site.Config{Destinations: site.Destinations{Call: list}}
	}
	for _, c := range []struct {
		name string
		cfg  *site.Config
		want string
	}{
		{"wide", &site.Config{PrivatePrefixes: []site.PrivatePrefix{prefix("0.0.0.0/0", "all of it")}}, "private-prefix-too-wide"},
		{"wide6", &site.Config{PrivatePrefixes: []site.PrivatePrefix{prefix("2000::/3", "all of it")}}, "private-prefix-too-wide"},
		{"half", &site.Config{PrivatePrefixes: []site.PrivatePrefix{prefix("128.0.0.0/1", "half of it")}}, "private-prefix-too-wide"},
		{"no reason", &site.Config{PrivatePrefixes: []site.PrivatePrefix{prefix("20.0.0.0/8", "")}}, "private-prefix-reason"},
		{"around private", &site.Config{PrivatePrefixes: []site.PrivatePrefix{prefix("172.0.0.0/8", "")}}, "private-prefix-reason"},
		{"mapped", &site.Config{PrivatePrefixes: []site.PrivatePrefix{{Prefix: netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104), Reason: "x"}}}, "private-prefix"},
		{"no prefix", &site.Config{PrivatePrefixes: []site.PrivatePrefix{{Reason: "x"}}}, "private-prefix"},
		{"public model", model(site.Destination{Host: "a.example", Public: true}), "model-public"},
		{"public address", model(site.Destination{Host: "8.8.8.8"}), "destination-public-address"},
		{"public pin", model(site.Destination{Host: "a.example", Addresses: addresses("10.0.0.1", "8.8.8.8")}), "destination-public-address"},
		{"public call", call(site.Destination{Host: "8.8.8.8"}), "destination-public-address"},
		{"metadata", call(site.Destination{Host: "169.254.169.254", Port: 80}), "destination-instance-metadata"},
		{"platform", call(site.Destination{Host: "168.63.129.16", Public: true}), "destination-platform-address"},
		{"unspecified", call(site.Destination{Host: "0.0.0.0"}), "destination-unspecified"},
		{"multicast", call(site.Destination{Host: "224.0.0.1"}), "destination-multicast"},
		{"link-local", call(site.Destination{Host: "fe80::1"}), "destination-link-local"},
		{"mapped host", call(site.Destination{Host: "::ffff:10.0.0.1"}), "destination-address"},
		{"zone", call(site.Destination{Host: "fd00::1%eth0"}), "destination-host"},
		{"octal", call(site.Destination{Host: "010.0.0.1"}), "destination-host"},
		{"pattern", call(site.Destination{Host: "*.example"}), "destination-host"},
		{"empty", call(site.Destination{}), "destination-host"},
		{"port", call(site.Destination{Host: "a.example", Port: 65536}), "destination-port"},
		{"twice", call(site.Destination{Host: "a.example"}, site.Destination{Host: "A.example.", Port: 443}), "destination-twice"},
		{"pinned address", call(site.Destination{Host: "10.0.0.1", Addresses: addresses("10.0.0.2")}), "destination-addresses"},
		{"issuer", &site.Config{Tokens: site.Tokens{Issuers: []site.Issuer{{Issuer: "https://a.example"}}}}, "destination-missing"},
		{"plain issuer", &site.Config{
			Tokens:       site.Tokens{Issuers: []site.Issuer{{Issuer: "http://a.example"}}},
			Destinations: site.Destinations{Identity: []site.Destination{{Host: "a.example", Port: 80}}},
		}, "plaintext"},
		{"collector", &site.Config{Telemetry: site.Telemetry{OTLP: site.OTLP{Endpoint: "https://10.0.0.1:4318"}}}, "destination-missing"},
		{"dns server", &site.Config{Names: site.Names{Servers: []string{"10.0.0.53:53"}}}, "destination-missing"},
	} {
		d, ps := New(c.cfg, Options{ResolvConf: func() ([]byte, error) { return nil, nil }})
		var codes []string
		for _, p := range ps {
			if p.Severity == site.Error {
				codes = append(codes, p.Code)
			}
		}
		if d != nil || !slices.Equal(codes, []string{c.want}) {
			t.Errorf("%s: got %v, want %s", c.name, codes, c.want)
		}
	}
	// Prefixes of one's own, with a reason, replace the standard ones.
	cfg := model(site.Destination{Host: "20.1.0.1"}, site.Destination{Host: "10.0.0.1"})
	cfg.PrivatePrefixes = []site.PrivatePrefix{prefix("20.1.0.0/16", "our own, behind ExpressRoute"), prefix("10.0.0.0/16", "")}
	w := &wire{}
	d := newDialer(t, cfg, w, nil)
	connects(t, d, w, Model, "20.1.0.1:443", "20.1.0.1:443")
	if d.isPrivate(netip.MustParseAddr("192.168.0.1")) || d.isPrivate(netip.MustParseAddr("10.1.0.1")) {
		t.Error("the standard prefixes count beside those of the site")
	}
}

func TestDestinations(t *testing.T) {
	cfg := &site.Config{
		Destinations: site.Destinations{
			Model:    []site.Destination{{Host: "a.example"}, {Host: "127.0.0.1", Port: 8080}, {Host: "unused.example"}},
			Identity: []site.Destination{{Host: "login.microsoftonline.com", Public: true}},
		},
		Backends: map[string]site.BackendConfig{
			"one": {URL: "https://A.example/openai", Credential: site.BackendCredential{ManagedIdentity: &site.ManagedIdentity{}}},
			"two": {URL: "http://127.0.0.1:8080", Credential: site.BackendCredential{ClientSecret: &site.ClientSecret{}}},
		},
	}
	d := newDialer(t, cfg, &wire{}, func(o *Options) {
		o.Needs = []Need{{Model, "wss://a.example", "backend three"}, {Model, "://", "x"}, {Call, "https://a.example", "y"}}
	})
	var got []string
	for _, v := range d.Destinations() {
		got = append(got, fmt.Sprint(v.Class, " ", v.Scheme, " ", v.Host, " ", v.Port, " ", v.Public, " ", v.Why))
	}
	want := []string{
		"model https a.example 443 false backend three, backend one", "model http 127.0.0.1 8080 false backend two", "model https unused.example 443 false listed",
		"identity https login.microsoftonline.com 443 true credential of backend two",
		"identity http 169.254.169.254 80 false managed identity, GET /metadata/identity/ only",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCounts(t *testing.T) {
	w := &wire{}
	w.answer("name.example", "8.8.8.8")
	var log strings.Builder
	var uses []Use
	cfg := &site.Config{Destinations: site.Destinations{Call: []site.Destination{{Host: "name.example", Public: true}, {Host: "127.0.0.1"}}}}
	d := newDialer(t, cfg, w, func(o *Options) {
		o.OnUse = func(u Use) { uses = append(uses, u) }
		o.Log = textLog(&log)
	})
	dial := d.DialContext(Call)
	for range 100 {
		dial(t.Context(), "tcp", "elsewhere.example:443")
	}
	dial(t.Context(), "tcp", "name.example:443")
	dial(t.Context(), "tcp", "127.0.0.1:443")
	if got := fmt.Sprint(d.Counts()); got != "[{call failed false 1} {call failed true 1} {call not-listed false 100}]" {
		t.Error(got)
	}
	if n := strings.Count(log.String(), "connection refused by egress"); n != 7 {
		t.Errorf("%d lines in the log for 100 refusals", n)
	}
	if len(uses) != 102 || !uses[100].Public || uses[100].Addr.String() != "8.8.8.8" || uses[101].Public {
		t.Errorf("%d uses, %+v", len(uses), uses[100:])
	}
}

func TestSplitURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://A.example./x?y": "https a.example 443", "http://10.0.0.1": "http 10.0.0.1 80", "wss://[FD00::1]:8443/": "wss fd00::1 8443", "HTTPS://a.example:443": "https a.example 443",
	} {
		scheme, host, port, err := SplitURL(raw)
		if got := fmt.Sprint(scheme, " ", host, " ", port); got != want || err != nil {
			t.Errorf("%s: %s, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "a.example", "//a.example", "ftp://a.example", "https:a.example", "https://", "https://user:hidden@a.example", "https://a.example:0", "https://a.example:99999",
		"https://0x7f.1", "https://[fd00::1%25eth0]", "https://bücher.example", "https://a b.example", ":", "https://*.example",
	} {
		if _, host, _, err := SplitURL(raw); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %q, %v", raw, host, err)
		}
	}
}
