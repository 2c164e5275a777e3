package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

// TestNames: the gateway answers for its private zones, and a reload changes what
// it says. Names that no zone has are refused.
func TestNames(t *testing.T) {
	const zone = `- {type: Microsoft.Network/privateDnsZones, name: contoso.internal}
- {type: Microsoft.Network/privateDnsZones/virtualNetworkLinks, name: contoso.internal/v, properties: {virtualNetwork: {id: v}}}
- {type: Microsoft.Network/privateDnsZones/A, name: contoso.internal/web, properties: {ttl: 60, aRecords: [{ipv4Address: 10.1.3.4}]}}
`
	s := newSite(t, http.NotFoundHandler(), map[string]string{"network/v.yaml": networkOfTest, "network/zone.yaml": zone})
	s.write(t, "cloister.yaml", s.config("network: {subnet: gateway, dns: {listeners: [{address: 127.0.0.1, port: 0}]}}\n"))
	g := s.startWith(t, func(o *Options) { o.HostAddrs = hostAt("10.1.2.3") })
	if len(g.NamesAt()) != 1 {
		t.Fatalf("it answers at %v", g.NamesAt())
	}
	ask := func(network, name string) string {
		c := &mdns.Client{Net: network, Timeout: 2 * time.Second}
		m, _, err := c.Exchange(new(mdns.Msg).SetQuestion(mdns.Fqdn(name), mdns.TypeA), g.NamesAt()[0].String())
		if err != nil {
			return err.Error()
		}
		out := mdns.RcodeToString[m.Rcode]
		for _, rr := range m.Answer {
			if a, ok := rr.(*mdns.A); ok {
				out += " " + a.A.String()
			}
		}
		return out
	}
	for _, network := range []string{"udp", "tcp"} {
		for name, want := range map[string]string{
			"web.contoso.internal": "NOERROR 10.1.3.4", "none.contoso.internal": "NXDOMAIN", "www.example.com": "REFUSED",
		} {
			if got := ask(network, name); got != want {
				t.Errorf("%s by %s: %s, want %s", name, network, got, want)
			}
		}
	}
	s.write(t, "network/zone.yaml", strings.Replace(zone, "10.1.3.4", "10.1.3.5", 1))
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	if got := ask("udp", "web.contoso.internal"); got != "NOERROR 10.1.3.5" {
		t.Errorf("after a reload: %s", got)
	}
	if metrics := g.metrics(t); !strings.Contains(metrics, "cloister_dns_answers 7") || !strings.Contains(metrics, "cloister_dns_refused 2") {
		t.Error("the answers are not counted")
	}
	s.write(t, "cloister.yaml", s.config("network: {subnet: gateway, dns: {listeners: [{address: 127.0.0.2, port: 0}]}}\n"))
	if r, err := g.Reload(t.Context()); err != nil || r.Accepted() {
		t.Errorf("another listener without a restart: %v %v", r, err)
	}
}
