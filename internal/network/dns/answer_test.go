package dns

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// f asks "NAME TYPE" in a view and compares, with one space for each line's
// indentation.
func f(t *testing.T, z *Zones, v *View, question, want string) {
	t.Helper()
	name, typ, _ := strings.Cut(question, " ")
	var lines []string
	for l := range strings.Lines(want) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	if got := show(z.Answer(Question{name, typeOf(typ)}, v)); got != strings.Join(lines, "\n") {
		t.Errorf("%s\n got %s\nwant %s", question, strings.ReplaceAll(got, "\n", "\n     "), strings.Join(lines, "\n     "))
	}
}

// TestLinkedZone: what Azure answers in a network that is linked to the zone.
func TestLinkedZone(t *testing.T) {
	c := newContoso()
	z := c.compiled(t, Options{})
	hub := z.View(c.hub)
	for _, q := range [][2]string{
		// The name that SDKs call, as the public DNS aliases it.
		{"contoso.openai.azure.com A", `NOERROR aa
			contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
			contoso.privatelink.openai.azure.com 10 A 10.0.3.4`},
		{"contoso.openai.azure.com CNAME", `NOERROR aa
			contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com`},
		{"contoso.openai.azure.com AAAA", `NOERROR aa
			contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
			soa privatelink.openai.azure.com`},
		{"contoso.privatelink.openai.azure.com A", "NOERROR aa\n contoso.privatelink.openai.azure.com 10 A 10.0.3.4"},
		// A linked zone without the record: the name does not exist.
		{"other.privatelink.openai.azure.com A", "NXDOMAIN aa\n soa privatelink.openai.azure.com"},
		{"x.contoso.privatelink.openai.azure.com A", "NXDOMAIN aa\n soa privatelink.openai.azure.com"},
		// A name of no zone is nobody's.
		{"other.openai.azure.com A", "REFUSED\n ask other.openai.azure.com"},
		{"openai.azure.com A", "REFUSED\n ask openai.azure.com"},
		{". A", "REFUSED\n ask"},
		// Types.
		{"contoso.internal A", "NOERROR aa\n contoso.internal 300 A 10.0.0.9"},
		{"contoso.internal TXT", "NOERROR aa\n contoso.internal 300 TXT v=1\n contoso.internal 300 TXT two+strings"},
		{"contoso.internal SOA", "NOERROR aa\n contoso.internal 3600 SOA"},
		{"contoso.internal NS", "NOERROR aa\n contoso.internal 3600 NS azureprivatedns.net"},
		{"contoso.internal MX", "NOERROR aa\n soa contoso.internal"},
		{"web.contoso.internal SOA", "NOERROR aa\n soa contoso.internal"},
		{"web.contoso.internal A", "NOERROR aa\n web.contoso.internal 300 A 10.0.1.1\n web.contoso.internal 300 A 10.0.1.2"},
		{"web.contoso.internal AAAA", "NOERROR aa\n web.contoso.internal 300 AAAA fd00:0:0:1::5"},
		{"web.contoso.internal ANY", "NOERROR aa\n web.contoso.internal 3600 HINFO"},
		{"nobody.contoso.internal ANY", "NXDOMAIN aa\n soa contoso.internal"},
		// Aliases, within the zone, across zones and out of them.
		{"www.contoso.internal AAAA", "NOERROR aa\n www.contoso.internal 300 CNAME web.contoso.internal\n web.contoso.internal 300 AAAA fd00:0:0:1::5"},
		{"www.contoso.internal ANY", "NOERROR aa\n www.contoso.internal 3600 HINFO"},
		{"models.contoso.internal A", `NOERROR aa
			models.contoso.internal 300 CNAME contoso.openai.azure.com
			contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
			contoso.privatelink.openai.azure.com 10 A 10.0.3.4`},
		{"lost.contoso.internal A", "NXDOMAIN aa\n lost.contoso.internal 300 CNAME other.privatelink.openai.azure.com\n soa privatelink.openai.azure.com"},
		{"gone.contoso.internal A", "NOERROR aa\n gone.contoso.internal 300 CNAME nobody.contoso.test\n ask nobody.contoso.test"},
		// Names between: they exist, without records.
		{"deep.contoso.internal A", "NOERROR aa\n soa contoso.internal"},
		{"b.deep.contoso.internal TXT", "NOERROR aa\n soa contoso.internal"},
		{"x.deep.contoso.internal A", "NXDOMAIN aa\n soa contoso.internal"},
		// Wildcards: any depth, unless a closer name exists.
		{"x.wild.contoso.internal A", "NOERROR aa\n x.wild.contoso.internal 300 A 10.0.1.4"},
		{"x.y.wild.contoso.internal A", "NOERROR aa\n x.y.wild.contoso.internal 300 A 10.0.1.4"},
		{"x.wild.contoso.internal TXT", "NOERROR aa\n soa contoso.internal"},
		{"*.wild.contoso.internal A", "NOERROR aa\n *.wild.contoso.internal 300 A 10.0.1.4"},
		{"wild.contoso.internal A", "NOERROR aa\n soa contoso.internal"},
		{"named.wild.contoso.internal A", "NOERROR aa\n soa contoso.internal"},
		{"x.named.wild.contoso.internal A", "NXDOMAIN aa\n soa contoso.internal"},
		// Spellings.
		{"WEB.Contoso.INTERNAL. AAAA", "NOERROR aa\n web.contoso.internal 300 AAAA fd00:0:0:1::5"},
		{"web\\.contoso.internal A", "REFUSED\n ask web\\.contoso.internal"},
		{"x\\.contoso.internal A", "REFUSED\n ask x\\.contoso.internal"},
		{"wild\\.contoso.internal A", "REFUSED\n ask wild\\.contoso.internal"},
		{"evilcontoso.internal A", "REFUSED\n ask evilcontoso.internal"},
		{"a\\.b.wild.contoso.internal A", "NOERROR aa\n a\\.b.wild.contoso.internal 300 A 10.0.1.4"},
	} {
		f(t, z, hub, q[0], strings.TrimSuffix(q[1], "\n ask"))
	}
}

// TestViews: only linked networks see a zone, and nobody else sees anything.
func TestViews(t *testing.T) {
	c := newContoso()
	c.hub.Peerings = []*site.Peering{
		{Name: "office", AddressSpace: network("o", "192.168.0.0/16").AddressSpace, Access: true},
		{Name: "closed", AddressSpace: network("o", "172.16.0.0/12").AddressSpace},
		{Name: "spoke", Remote: c.spoke, AddressSpace: c.spoke.AddressSpace, Access: true},
	}
	c.VirtualNetworks = append(c.VirtualNetworks, network("inner", "10.0.7.0/24"))
	z := c.compiled(t, Options{})
	for from, want := range map[string]*site.VirtualNetwork{
		"10.0.0.1": c.hub, "::ffff:10.0.0.1": c.hub, "fd00:0:0:1::9": c.hub, "10.1.255.255": c.spoke, "10.2.0.1": c.lone, "10.0.7.8": c.VirtualNetworks[3],
		"127.0.0.1": c.hub, "::1": c.hub, "192.168.3.4": c.hub, "172.16.0.1": nil, "10.3.0.1": nil, "8.8.8.8": nil, "fd00:0:0:2::1": nil, "fe80::1%eth0": nil, "0.0.0.0": nil,
	} {
		v := z.ViewOf(addrs(from)[0])
		if v == nil && want == nil {
			f(t, z, v, "web.contoso.internal A", "REFUSED")
			continue
		}
		if v == nil || v.Network != want {
			t.Errorf("%s sees %v", from, v)
		}
	}
	f(t, z, z.View(c.spoke), "contoso.openai.azure.com A", `NOERROR aa
		contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
		contoso.privatelink.openai.azure.com 10 A 10.0.3.4`)
	f(t, z, z.View(c.lone), "web.contoso.internal A", "REFUSED\n ask web.contoso.internal")
	f(t, z, z.View(c.lone), "contoso.openai.azure.com A", `NOERROR aa
		contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
		ask contoso.privatelink.openai.azure.com`)
	if z, _ := Compile(c.Network, Options{}); z.ViewOf(addrs("127.0.0.1")[0]) != nil || z.Gateway() != nil {
		t.Error("a gateway in no network answers its own machine")
	}
}

// TestLongestZone: the longest linked zone answers, even where a shorter one has
// the record.
func TestLongestZone(t *testing.T) {
	c := newContoso()
	long := privateZone("web.contoso.internal", c.spoke)
	set(long, "only A 10.9.9.9")
	shadow := privateZone("openai.azure.com", c.lone)
	set(shadow, "contoso A 10.9.9.8")
	c.PrivateZones = append(c.PrivateZones, long, shadow)
	z := c.compiled(t, Options{})
	f(t, z, z.View(c.hub), "web.contoso.internal AAAA", "NOERROR aa\n web.contoso.internal 300 AAAA fd00:0:0:1::5")
	f(t, z, z.View(c.spoke), "web.contoso.internal AAAA", "NOERROR aa\n soa web.contoso.internal")
	f(t, z, z.View(c.spoke), "x.web.contoso.internal A", "NXDOMAIN aa\n soa web.contoso.internal")
	f(t, z, z.View(c.spoke), "www.contoso.internal A", "NOERROR aa\n www.contoso.internal 300 CNAME web.contoso.internal\n soa web.contoso.internal")
	// A zone of the public name itself comes before the public alias.
	f(t, z, z.View(c.lone), "contoso.openai.azure.com A", "NOERROR aa\n contoso.openai.azure.com 300 A 10.9.9.8")
}

// TestFallback: NxDomainRedirect asks outside for names without a record, in
// privatelink zones, for addresses and aliases.
func TestFallback(t *testing.T) {
	c := newContoso()
	c.openai.Links[0].Fallback, c.internal.Links[0].Fallback = true, true
	z := c.compiled(t, Options{})
	hub := z.View(c.hub)
	f(t, z, hub, "other.privatelink.openai.azure.com A", "NXDOMAIN aa\n soa privatelink.openai.azure.com\n ask other.privatelink.openai.azure.com")
	f(t, z, hub, "other.privatelink.openai.azure.com TXT", "NXDOMAIN aa\n soa privatelink.openai.azure.com")
	f(t, z, hub, "contoso.privatelink.openai.azure.com AAAA", "NOERROR aa\n soa privatelink.openai.azure.com")
	f(t, z, hub, "lost.contoso.internal A", `NXDOMAIN aa
		lost.contoso.internal 300 CNAME other.privatelink.openai.azure.com
		soa privatelink.openai.azure.com
		ask other.privatelink.openai.azure.com`)
	f(t, z, hub, "nobody.contoso.internal A", "NXDOMAIN aa\n soa contoso.internal")
	f(t, z, z.View(c.spoke), "other.privatelink.openai.azure.com A", "NXDOMAIN aa\n soa privatelink.openai.azure.com")
}

// TestConnectionStates: the record is there once a connection was approved, and
// stays until the endpoint goes.
func TestConnectionStates(t *testing.T) {
	for status, there := range map[string]bool{site.ConnectionApproved: true, site.ConnectionRejected: true, site.ConnectionDisconnected: true, site.ConnectionPending: false} {
		c := newContoso()
		z := c.compiled(t, Options{Status: func(*site.PrivateEndpoint) string { return status }})
		want := `NXDOMAIN aa
			contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
			soa privatelink.openai.azure.com`
		if there {
			want = `NOERROR aa
				contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
				contoso.privatelink.openai.azure.com 10 A 10.0.3.4`
		}
		f(t, z, z.View(c.hub), "contoso.openai.azure.com A", want)
	}
}

// TestZoneGroups: every name of an endpoint goes to the zone that it belongs to.
func TestZoneGroups(t *testing.T) {
	c := newContoso()
	vault := privateZone("privatelink.vaultcore.azure.net", c.hub)
	ai := privateZone("privatelink.services.ai.azure.com", c.hub)
	own := privateZone("privatelink.models.contoso.test", c.hub)
	kv := endpoint("pe-vault", c.hub, "10.0.3.5", "contoso.vault.azure.net", vault)
	foundry := endpoint("pe-foundry", c.hub, "10.0.3.6", "hub.openai.azure.com", c.openai, ai)
	foundry.Names = append(foundry.Names, "hub.services.ai.azure.com")
	byPrivateName := endpoint("pe-own", c.hub, "10.0.3.7", "big.models.contoso.test", own)
	byPrivateName.Names = append(byPrivateName.Names, "big.privatelink.models.contoso.test")
	c.PrivateZones = append(c.PrivateZones, vault, ai, own)
	c.PrivateEndpoints = append(c.PrivateEndpoints, kv, foundry, byPrivateName)
	z, ps := Compile(c.Network, Options{Gateway: c.hub})
	if len(ps) != 0 {
		t.Error(ps)
	}
	hub := z.View(c.hub)
	f(t, z, hub, "contoso.vault.azure.net A", "NOERROR aa\n contoso.vault.azure.net 10 CNAME contoso.privatelink.vaultcore.azure.net\n contoso.privatelink.vaultcore.azure.net 10 A 10.0.3.5")
	f(t, z, hub, "hub.services.ai.azure.com A", "NOERROR aa\n hub.services.ai.azure.com 10 CNAME hub.privatelink.services.ai.azure.com\n hub.privatelink.services.ai.azure.com 10 A 10.0.3.6")
	f(t, z, hub, "hub.privatelink.openai.azure.com A", "NOERROR aa\n hub.privatelink.openai.azure.com 10 A 10.0.3.6")
	f(t, z, hub, "big.models.contoso.test A", "NOERROR aa\n big.models.contoso.test 10 CNAME big.privatelink.models.contoso.test\n big.privatelink.models.contoso.test 10 A 10.0.3.7")
}

// TestRegistration: interfaces of a network that registers have records.
func TestRegistration(t *testing.T) {
	c := newContoso()
	c.internal.Links[0].Registration = true
	c.Interfaces = []*site.NetworkInterface{
		{Name: "VM-1", Subnet: c.hub.Subnets[0], Addresses: addrs("10.0.4.1", "fd00:0:0:1::41")},
		{Name: "web", Subnet: c.hub.Subnets[0], Addresses: addrs("10.0.4.2")},
		{Name: "elsewhere", Subnet: c.spoke.Subnets[0], Addresses: addrs("10.1.4.1")},
		{Name: "not.a.label", Subnet: c.hub.Subnets[0], Addresses: addrs("10.0.4.3")},
	}
	z := c.compiled(t, Options{})
	spoke := z.View(c.spoke)
	f(t, z, spoke, "vm-1.contoso.internal A", "NOERROR aa\n vm-1.contoso.internal 10 A 10.0.4.1")
	f(t, z, spoke, "vm-1.contoso.internal AAAA", "NOERROR aa\n vm-1.contoso.internal 10 AAAA fd00:0:0:1::41")
	f(t, z, spoke, "web.contoso.internal AAAA", "NOERROR aa\n web.contoso.internal 300 AAAA fd00:0:0:1::5")
	f(t, z, spoke, "elsewhere.contoso.internal A", "NXDOMAIN aa\n soa contoso.internal")
	f(t, z, spoke, "a.label.contoso.internal A", "NXDOMAIN aa\n soa contoso.internal")
}

// TestHostnames: the gateway is found by its own names.
func TestHostnames(t *testing.T) {
	c := newContoso()
	z := c.compiled(t, Options{
		Hostnames: []string{"Gateway.contoso.internal", "web.contoso.internal", "ai.contoso.test", "10.0.2.4", "localhost", "x.wild.contoso.internal"},
		Addresses: addrs("10.0.2.4", "fd00:0:0:1::24"),
	})
	hub, lone := z.View(c.hub), z.View(c.lone)
	f(t, z, hub, "gateway.contoso.internal A", "NOERROR aa\n gateway.contoso.internal 10 A 10.0.2.4")
	f(t, z, hub, "x.wild.contoso.internal A", "NOERROR aa\n x.wild.contoso.internal 10 A 10.0.2.4")
	f(t, z, hub, "web.contoso.internal AAAA", "NOERROR aa\n web.contoso.internal 300 AAAA fd00:0:0:1::5")
	for _, v := range []*View{hub, lone} {
		f(t, z, v, "ai.contoso.test AAAA", "NOERROR aa\n ai.contoso.test 10 AAAA fd00:0:0:1::24")
		f(t, z, v, "ai.contoso.test TXT", "NOERROR aa\n soa ai.contoso.test")
		f(t, z, v, "other.contoso.test A", "REFUSED\n ask other.contoso.test")
		f(t, z, v, "localhost A", "REFUSED\n ask localhost")
	}
	f(t, z, lone, "gateway.contoso.internal A", "NOERROR aa\n gateway.contoso.internal 10 A 10.0.2.4")
	z = c.compiled(t, Options{Hostnames: []string{"ai.contoso.test"}})
	f(t, z, z.View(c.hub), "ai.contoso.test A", "REFUSED\n ask ai.contoso.test")
}

// TestPublic: the lab's internet, seen from outside and from inside.
func TestPublic(t *testing.T) {
	c := newContoso()
	c.openai.Links[1].Fallback = true
	z := c.compiled(t, Options{Public: []Record{
		{Name: "contoso.privatelink.openai.azure.com", Type: TypeCNAME, TTL: 60, Target: "front.azure-api.net"},
		{Name: "other.openai.azure.com.", Type: TypeCNAME, TTL: 60, Target: "other.privatelink.openai.azure.com"},
		{Name: "other.privatelink.openai.azure.com", Type: TypeA, TTL: 60, Address: addrs("20.1.1.2")[0]},
		{Name: "front.azure-api.net", Type: TypeA, TTL: 60, Address: addrs("20.1.1.1")[0]},
		{Name: "front.azure-api.net", Type: TypeTXT, TTL: 60, Texts: []string{"x"}},
		{Name: "front.azure-api.net", Type: TypeAAAA, TTL: 60, Address: addrs("2a01::1")[0]},
	}})
	outside := `NOERROR aa
		contoso.openai.azure.com 10 CNAME contoso.privatelink.openai.azure.com
		contoso.privatelink.openai.azure.com 60 CNAME front.azure-api.net
		front.azure-api.net 60 A 20.1.1.1`
	f(t, z, z.Outside(), "contoso.openai.azure.com A", outside)
	f(t, z, z.View(c.lone), "contoso.openai.azure.com A", outside)
	f(t, z, z.Outside(), "web.contoso.internal A", "NXDOMAIN")
	f(t, z, z.View(c.hub), "other.openai.azure.com A", `NXDOMAIN aa
		other.openai.azure.com 60 CNAME other.privatelink.openai.azure.com
		soa privatelink.openai.azure.com`)
	f(t, z, z.View(c.spoke), "other.openai.azure.com A", `NOERROR aa
		other.openai.azure.com 60 CNAME other.privatelink.openai.azure.com
		other.privatelink.openai.azure.com 60 A 20.1.1.2`)
	f(t, z, z.View(c.spoke), "none.privatelink.openai.azure.com A", "NXDOMAIN aa\n soa privatelink.openai.azure.com")
}

func TestLookup(t *testing.T) {
	c := newContoso()
	c.openai.Links[0].Fallback = true
	z := c.compiled(t, Options{})
	for _, q := range []struct{ host, addrs, chain, zone, ask string }{
		{"Contoso.openai.azure.com.", "[10.0.3.4]", "[contoso.openai.azure.com contoso.privatelink.openai.azure.com]", "", ""},
		{"www.contoso.internal", "[10.0.1.1 10.0.1.2 fd00:0:0:1::5]", "[www.contoso.internal web.contoso.internal]", "", ""},
		{"nobody.contoso.internal", "[]", "[nobody.contoso.internal]", "contoso.internal", ""},
		{"deep.contoso.internal", "[]", "[deep.contoso.internal]", "contoso.internal", ""},
		{"gone.contoso.internal", "[]", "[gone.contoso.internal nobody.contoso.test]", "", "nobody.contoso.test"},
		{"x.privatelink.openai.azure.com", "[]", "[x.privatelink.openai.azure.com]", "privatelink.openai.azure.com", "x.privatelink.openai.azure.com"},
	} {
		found, ok := z.Lookup(q.host)
		if got := [4]string{text(found.Addresses), text(found.Chain), found.Zone, found.Ask}; !ok || got != [4]string{q.addrs, q.chain, q.zone, q.ask} {
			t.Errorf("%s: %v %q", q.host, ok, got)
		}
	}
	if _, ok := z.Lookup("example.com"); ok {
		t.Error("a name of no zone is handled")
	}
	if z, _ := Compile(c.Network, Options{}); z != nil {
		if _, ok := z.Lookup("web.contoso.internal"); ok {
			t.Error("a gateway in no network has zones")
		}
	}
	if z, ps := Compile(nil, Options{}); z == nil || len(ps) != 0 || z.ViewOf(addrs("10.0.0.1")[0]) != nil {
		t.Error("a site without network/")
	}
}
