package nsg

import (
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/site"
)

// architecture is a network with every kind of place: three subnets, one of them
// without a group, interfaces with and without, endpoints that rules hold for
// and that they do not, a network that is peered, and one that is not.
func architecture(t testing.TB) (*nsgtest.Builder, *Rules) {
	b := nsgtest.New(t)
	b.Tag("Storage", "20.60.0.0/16 2603:1000::/32")
	b.Tag("Storage.WestEurope", "20.60.1.0/24")
	b.Tag("AzureMonitor", "20.40.0.0/16")
	vn := b.VNet("main", "10.0.0.0/16 fd00:1::/48")
	other := b.VNet("other", "10.1.0.0/16")
	closed := b.VNet("closed", "10.2.0.0/16")
	alone := b.VNet("alone", "10.3.0.0/16")
	b.Peer(vn, other, true)
	b.Peer(other, vn, true)
	b.Peer(vn, closed, false)
	b.Peer(closed, vn, false)
	app := b.Group("app",
		"100 out allow tcp asg:web 10.0.1.4,10.0.1.5 443",
		"110 out allow udp * azureplatformdns 53",
		"120 out deny * * AzurePlatformIMDS *",
		"200 out deny * 10.0.0.0/24 10.0.2.0/24 *",
		"210 out allow tcp * storage.westeurope 443",
		"220 out deny tcp * Storage 443",
		"230 out allow icmp * 10.0.1.0/24 *",
		"300 out deny * * Internet *",
		"100 in allow * asg:web VirtualNetwork 8000-8010,9000",
		"110 in deny * 10.0.0.9 * *",
	)
	gw := b.Group("gw",
		"100 in allow tcp VirtualNetwork 10.0.1.0/24 443",
		"110 in allow tcp 10.0.0.9 10.0.1.0/24 80 50000-50010",
		"120 in deny tcp * * 81 40000",
		"130 in allow tcp 10.0.0.0/24 * 81",
		"140 in allow tcp 10.0.0.0/24 * 82 2000-65535",
		"150 in allow tcp 10.0.0.0/24 * 83 1024-65535",
		"160 in allow tcp 10.0.0.0/24 * 84 1024-30000,30001-65535",
		"4096 in deny * VirtualNetwork * *",
		"100 out allow tcp 10.0.1.0/24 10.0.2.0/24 443",
		"101 out allow tcp fd00:1:0:1::/64 fd00:1:0:2::/64 443",
	)
	card := b.Group("card",
		"100 in deny tcp 10.0.0.8 * *",
		"110 in allow tcp * * 443",
		"120 in deny * * * *",
		"100 out allow tcp * 10.0.2.4 443",
		"110 out allow * * AzurePlatformDNS *",
		"4000 out deny * * * *",
	)
	ends := b.Group("ends", "100 in deny * * * *")
	a := b.Subnet(vn, "app", "10.0.0.0/24 fd00:1:0:0::/64", app)
	g := b.Subnet(vn, "gateway", "10.0.1.0/24 fd00:1:0:1::/64", gw)
	e := b.Subnet(vn, "endpoints", "10.0.2.0/24 fd00:1:0:2::/64", ends)
	ruled := b.Subnet(vn, "ruled", "10.0.3.0/24", ends)
	ruled.EndpointRules = true
	b.Subnet(vn, "bare", "10.0.4.0/24 fd00:1:0:4::/64", nil)
	b.Subnet(other, "there", "10.1.0.0/24", b.Group("open", "100 in allow * * * *", "100 out allow * * * *"))
	b.Subnet(closed, "there", "10.2.0.0/24", b.Network.SecurityGroups[4])
	b.Subnet(alone, "there", "10.3.0.0/24", b.Network.SecurityGroups[4])
	b.NIC(a, "web1", "10.0.0.4 fd00:1::4", nil, "web")
	b.NIC(a, "web2", "10.0.0.5", nil, "web")
	b.NIC(g, "gw1", "10.0.1.5", b.Network.SecurityGroups[2])
	_ = card
	b.Endpoint(e, "openai", "10.0.2.4", "models")
	b.Endpoint(ruled, "vault", "10.0.3.4")
	return b, compiled(t, b)
}

// TestFlow holds the architecture to what Azure would answer.
func TestFlow(t *testing.T) {
	_, r := architecture(t)
	for _, c := range []struct{ packet, want string }{
		// Application security groups: only members have the rule.
		{"tcp 10.0.0.4 10.0.1.4:443", "allow in subnet gw/r100"},
		{"tcp 10.0.0.6 10.0.1.4:443", "allow in subnet gw/r100"}, // by AllowVnetOutBound
		{"tcp 10.0.0.4 10.0.1.4:444", "deny in subnet gw/r4096"},
		// A source port belongs to the rule.
		{"tcp 10.0.0.9:50005 10.0.1.4:80", "allow in subnet gw/r110"},
		{"tcp 10.0.0.9:50011 10.0.1.4:80", "deny in subnet gw/r4096"},
		// It is the subnet's group first, then the interface's; both must allow.
		{"tcp 10.0.0.4 10.0.1.5:443", "allow in nic card/r110"},
		{"tcp 10.0.0.8 10.0.1.5:443", "deny in nic card/r100"},
		{"tcp 10.0.0.4 10.0.1.5:80", "deny in subnet gw/r4096"},
		// Outbound it is the interface's first.
		{"tcp 10.0.1.5 10.0.2.4:443", "allow in platform PrivateEndpointExempt"},
		{"tcp 10.0.1.5 10.0.2.5:443", "deny out nic card/r4000"},
		{"tcp 10.0.1.6 10.0.2.5:443", "deny in subnet ends/r100"},
		// Private endpoints are exempt inbound, unless the subnet says otherwise.
		{"tcp 10.0.0.6 10.0.2.4:443", "deny out subnet app/r200"},
		{"tcp 10.0.1.6 10.0.3.4:443", "deny in subnet ends/r100"},
		// Tags: without case, regional, of the site, of the network.
		{"tcp 10.0.0.6 20.60.1.9:443", "allow out subnet app/r210"},
		{"tcp 10.0.0.6 20.60.2.9:443", "deny out subnet app/r220"},
		{"tcp 10.0.0.6 20.60.2.9:80", "deny out subnet app/r300"},
		{"tcp fd00:1::4 [2603:1000::1]:443", "deny out subnet app/r220"},
		{"tcp fd00:1::4 [2600::1]:443", "deny out subnet app/r300"},
		{"tcp 10.0.1.6 8.8.8.8:443", "allow out subnet gw/AllowInternetOutBound"},
		{"tcp 10.0.1.6 192.168.0.1:443", "deny out subnet gw/DenyAllOutBound"},
		{"tcp 10.0.1.6 100.64.0.1:443", "deny out subnet gw/DenyAllOutBound"},
		{"tcp 10.0.1.6 224.0.0.1:443", "deny out subnet gw/DenyAllOutBound"},
		// From outside.
		{"tcp 8.8.8.8 10.0.1.4:443", "deny in subnet gw/DenyAllInBound"},
		{"tcp 168.63.129.16 10.0.4.4:443", "allow in subnet AllowVnetInBound"},
		{"tcp 168.63.129.16 10.0.1.4:6390", "deny in subnet gw/r4096"},
		{"tcp 8.8.8.8 9.9.9.9:443", "allow in platform Outside"},
		// The platform is outside the rules, but for rules that name it.
		{"udp 10.0.0.6 168.63.129.16:53", "allow out subnet app/r110"},
		{"tcp 10.0.0.6 168.63.129.16:80", "allow out platform AzurePlatform"},
		{"tcp 10.0.0.6 169.254.169.254:80", "deny out subnet app/r120"},
		{"tcp 10.0.1.6 169.254.169.254:80", "allow out platform AzurePlatform"},
		{"tcp 10.0.1.5 168.63.129.16:80", "allow out nic card/r110"},
		// Protocols: "*" is every one, icmp is IPv4's.
		{"icmp 10.0.0.6 10.0.1.4", "deny in subnet gw/r4096"},
		{"icmp 10.0.0.6 10.1.0.4", "allow in subnet open/r100"},
		{"icmpv6 fd00:1::6 fd00:1:0:4::1", "allow in subnet AllowVnetInBound"},
		{"sctp 10.0.0.6 10.1.0.4", "allow in subnet open/r100"},
		{"esp 10.1.0.4 10.0.4.4", "allow in subnet AllowVnetInBound"},
		// A subnet without a group: the default rules, without the way outside.
		{"tcp 10.0.4.4 10.1.0.4:80", "allow in subnet open/r100"},
		{"tcp 10.0.4.4 8.8.8.8:80", "deny out subnet DenyAllOutBound"},
		{"tcp 8.8.8.8 10.0.4.4:80", "deny in subnet DenyAllInBound"},
		// Peering: the tag holds the other network, unless access is off; without
		// one there is no way.
		{"tcp 10.1.0.4 10.0.4.4:80", "allow in subnet AllowVnetInBound"},
		{"tcp 10.2.0.4 10.0.4.4:80", "deny in subnet DenyAllInBound"},
		{"tcp 10.0.0.6 10.2.0.4:80", "deny out subnet app/DenyAllOutBound"},
		{"tcp 10.3.0.4 10.0.4.4:80", "deny out platform NotPeered"},
		{"tcp 10.2.0.4 10.1.0.4:80", "deny out platform NotPeered"},
		// IPv6, and IPv4 in its clothes.
		{"tcp fd00:1:0:1::9 [fd00:1:0:2::9]:443", "deny in subnet ends/r100"},
		{"tcp fd00:1::4 [fd00:1:0:1::4]:443", "deny in subnet gw/r4096"},
		{"tcp ::ffff:10.0.0.4 [::ffff:10.0.1.4]:443", "allow in subnet gw/r100"},
		{"tcp 10.0.0.4 [fd00:1:0:1::4]:443", "deny out platform Unreadable"},
		// Several ports in one rule.
		{"tcp 10.0.0.4 10.0.0.6:8010", "allow in subnet app/r100"},
		{"udp 10.0.0.5 10.0.0.6:9000", "allow in subnet app/r100"},
		{"tcp 10.0.0.9 10.0.0.6:8010", "deny in subnet app/r110"},
	} {
		if got := said(r.Flow(packet(t, c.packet))); got != c.want {
			t.Errorf("%s: %s, want %s", c.packet, got, c.want)
		}
	}
	if d := r.Flow(Packet{Protocol: TCP}); d.Allow || d.Rule == nil {
		t.Errorf("a packet without addresses: %+v", d)
	}
}

// TestAnySourcePort: before a connection is open its source port is not known.
func TestAnySourcePort(t *testing.T) {
	_, r := architecture(t)
	for _, c := range []struct{ packet, want string }{
		{"tcp 10.0.0.9:? 10.0.1.4:80", "deny in subnet gw/r4096"}, // the Allow holds for some ports
		{"tcp 10.0.0.4:? 10.0.1.4:81", "deny in subnet gw/r120"},  // the Deny holds for one
		{"tcp 10.0.0.4:41000 10.0.1.4:81", "allow in subnet gw/r130"},
		{"tcp 10.0.0.4:? 10.0.1.4:82", "deny in subnet gw/r4096"}, // not for 1024
		{"tcp 10.0.0.4:? 10.0.1.4:83", "allow in subnet gw/r150"},
		{"tcp 10.0.0.4:? 10.0.1.4:84", "allow in subnet gw/r160"}, // two ranges that meet
		{"tcp 10.0.0.4:? 10.0.1.4:443", "allow in subnet gw/r100"},
	} {
		if got := said(r.Flow(packet(t, c.packet))); got != c.want {
			t.Errorf("%s: %s, want %s", c.packet, got, c.want)
		}
	}
}

func TestPoints(t *testing.T) {
	b, r := architecture(t)
	for _, c := range []struct{ address, want string }{
		{"10.0.0.4", "web1"}, {"fd00:1::4", "web1"}, {"::ffff:10.0.0.4", "web1"}, {"10.0.0.200", "main/app"},
		{"10.0.2.4", "openai"}, {"10.0.9.1", "internet"}, {"8.8.8.8", "internet"}, {"fe80::1%eth0", "internet"},
	} {
		if got := r.At(nsgtest.Addr(c.address)).Name(); got != c.want {
			t.Errorf("%s is %s, want %s", c.address, got, c.want)
		}
	}
	nic := b.Network.Interfaces[2]
	if p := r.Interface(nic); p == nil || p.Name() != "gw1" || len(p.InterfaceRules(true)) != 6 {
		t.Errorf("the interface: %+v", p)
	}
	if p := r.Subnet(nic.Subnet); p == nil || p.InterfaceRules(true) != nil || p.SubnetRules(false)[0].ID() != "gw/r100" {
		t.Errorf("the subnet: %+v", p)
	}
	if p := r.Endpoint(b.Network.PrivateEndpoints[0]); p == nil || !p.Exempt() {
		t.Errorf("the endpoint: %+v", p)
	}
	if p := r.Subnet(&site.Subnet{}); p != nil {
		t.Errorf("a subnet of nobody: %+v", p)
	}
}

func TestEmpty(t *testing.T) {
	r, ps := Compile(nil)
	if len(ps) != 0 || r == nil {
		t.Fatal(ps)
	}
	if d := r.Flow(packet(t, "tcp 10.0.0.1 10.0.0.2:80")); !d.Allow || d.Rule.Name != "Outside" {
		t.Errorf("%+v", d)
	}
}

func TestNoAllocations(t *testing.T) {
	_, r := architecture(t)
	packets := []Packet{packet(t, "tcp 10.0.0.4 10.0.1.5:443"), packet(t, "udp fd00:1::4 [fd00:1:0:1::4]:443"), packet(t, "tcp 10.0.0.6 168.63.129.16:53")}
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range packets {
			r.Flow(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
