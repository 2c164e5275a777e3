package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// contoso is a site as the reference architecture has it: a hub with the zones,
// a spoke that is linked to some of them, and a network that is linked to none.
type contoso struct {
	*site.Network
	hub, spoke, lone *site.VirtualNetwork
	openai, internal *site.PrivateZone
	models           *site.PrivateEndpoint
}

func pos(line int) site.Pos { return site.Pos{File: "network/n.yaml", Line: line} }

func addrs(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func network(name string, prefixes ...string) *site.VirtualNetwork {
	n := &site.VirtualNetwork{Pos: pos(1), Name: name}
	for _, p := range prefixes {
		n.AddressSpace = append(n.AddressSpace, netip.MustParsePrefix(p))
	}
	n.Subnets = []*site.Subnet{{Name: "default", VirtualNetwork: n, Prefixes: n.AddressSpace}}
	return n
}

func privateZone(name string, linked ...*site.VirtualNetwork) *site.PrivateZone {
	z := &site.PrivateZone{Pos: pos(10), Name: name}
	for _, n := range linked {
		z.Links = append(z.Links, &site.ZoneLink{Pos: pos(11), Name: "to-" + n.Name, VirtualNetwork: n})
	}
	return z
}

// set adds a record set: "a A 10.0.0.1 10.0.0.2", "w CNAME x.y", "t TXT hello".
func set(z *site.PrivateZone, record string) {
	f := strings.Fields(record)
	r := &site.ZoneRecord{Pos: pos(20 + len(z.Records)), Name: f[0], Type: f[1], TTL: 300}
	switch f[1] {
	case "A", "AAAA":
		r.Addresses = addrs(f[2:]...)
	case "CNAME":
		r.Target = f[2]
	case "TXT":
		for _, t := range f[2:] {
			r.Texts = append(r.Texts, strings.Split(t, "+"))
		}
	}
	z.Records = append(z.Records, r)
}

func endpoint(name string, in *site.VirtualNetwork, address, fqdn string, zones ...*site.PrivateZone) *site.PrivateEndpoint {
	return &site.PrivateEndpoint{
		Pos: pos(50), Name: name, Subnet: in.Subnets[0], Addresses: addrs(address), Status: site.ConnectionApproved,
		ServiceType: "Microsoft.CognitiveServices/accounts", GroupIDs: []string{"account"}, Names: []string{fqdn}, Zones: zones,
	}
}

func newContoso() *contoso {
	c := &contoso{Network: &site.Network{}, hub: network("hub", "10.0.0.0/16", "fd00:0:0:1::/64"), spoke: network("spoke", "10.1.0.0/16"), lone: network("lone", "10.2.0.0/16")}
	c.openai = privateZone("privatelink.openai.azure.com", c.hub, c.spoke)
	c.internal = privateZone("contoso.internal", c.hub, c.spoke)
	for _, r := range []string{
		"@ A 10.0.0.9", "@ TXT v=1 two+strings", "www CNAME web.contoso.internal", "web A 10.0.1.1 10.0.1.2", "web AAAA fd00:0:0:1::5",
		"* CNAME web.contoso.internal", "a.b.deep A 10.0.1.3", "*.wild A 10.0.1.4", "named.wild TXT here", "models CNAME contoso.openai.azure.com",
		"gone CNAME nobody.contoso.test", "lost CNAME other.privatelink.openai.azure.com",
	} {
		set(c.internal, r)
	}
	// The wildcard at the top would hide what does not exist.
	c.internal.Records = append(c.internal.Records[:5], c.internal.Records[6:]...)
	c.models = endpoint("pe-models", c.hub, "10.0.3.4", "contoso.openai.azure.com", c.openai)
	c.VirtualNetworks = []*site.VirtualNetwork{c.hub, c.spoke, c.lone}
	c.PrivateZones = []*site.PrivateZone{c.openai, c.internal}
	c.PrivateEndpoints = []*site.PrivateEndpoint{c.models}
	return c
}

// compiled are the zones of documents without errors.
func (c *contoso) compiled(t testing.TB, opt Options) *Zones {
	t.Helper()
	if opt.Gateway == nil {
		opt.Gateway = c.hub
	}
	z, ps := Compile(c.Network, opt)
	if err := ps.Err(); err != nil {
		t.Fatal(err)
	}
	return z
}

// show is an answer on lines: the code with its flags, the records, who says
// that there is none, and what is asked outside.
func show(a Answer) string {
	lines := []string{map[Code]string{NoError: "NOERROR", ServFail: "SERVFAIL", NXDomain: "NXDOMAIN", Refused: "REFUSED"}[a.Code]}
	if a.Authoritative {
		lines[0] += " aa"
	}
	for _, r := range a.Records {
		value := r.Target
		switch {
		case r.Address.IsValid():
			value = r.Address.String()
		case r.Type == TypeTXT:
			value = strings.Join(r.Texts, "+")
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", r.Name, r.TTL, typeNames[r.Type], value)))
	}
	if a.SOA != "" {
		lines = append(lines, "soa "+a.SOA)
	}
	if a.Ask != "" {
		lines = append(lines, "ask "+a.Ask)
	}
	return strings.Join(lines, "\n")
}

var typeNames = map[Type]string{TypeA: "A", TypeAAAA: "AAAA", TypeCNAME: "CNAME", TypeTXT: "TXT", TypeSOA: "SOA", TypeNS: "NS", TypeHINFO: "HINFO", TypeANY: "ANY", 15: "MX"}

func typeOf(name string) Type {
	for t, n := range typeNames {
		if n == name {
			return t
		}
	}
	panic(name)
}

func text(v any) string { return fmt.Sprint(v) }
