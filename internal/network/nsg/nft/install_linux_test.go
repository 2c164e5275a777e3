package nft

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestInstall: rules are exchanged whole, large ones as well, and an error leaves
// those before it.
func TestInstall(t *testing.T) { inNamespace(t, install) }

func install(t *testing.T) {
	big := large(t)
	d := []Device{{Name: "near0", Point: big.At(nsgtest.Addr("10.0.0.4"))}, {Name: "near1", Point: big.At(nsgtest.Addr("10.0.1.4"))}}
	for i, want := range []string{"cloister-nsg0", "cloister-nsg1", "cloister-nsg0"} {
		set, err := Install(big, d, Options{Group: group})
		if err != nil {
			t.Fatal(err)
		}
		if got := tableNames(t); got != want {
			t.Fatalf("after %d: tables %s, want %s", i, got, want)
		}
		if n := chainLength(t, want, set); n != 2*998+3 {
			t.Errorf("the chain of the group has %d rules", n)
		}
	}
	// What somebody left behind when it was killed goes away with the next.
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "cloister-nsg1"})
	c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "cloister-nsgs"}) // somebody else's
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(big, d, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := tableNames(t); got != "cloister-nsg1 cloister-nsgs" {
		t.Errorf("tables %s", got)
	}
	bad := append(d, Device{Name: "a-name-that-is-too-long", Point: d[0].Point})
	if _, err := Install(big, bad, Options{}); err == nil {
		t.Error("a device that cannot be was taken")
	}
	if got := tableNames(t); got != "cloister-nsg1 cloister-nsgs" {
		t.Errorf("tables %s", got)
	}
	if err := Remove(Options{}); err != nil {
		t.Fatal(err)
	}
	if got := tableNames(t); got != "cloister-nsgs" {
		t.Errorf("tables %s", got)
	}
}

// large is a group of a thousand rules, and one with a tag of many prefixes.
func large(t testing.TB) *nsg.Rules {
	b := nsgtest.New(t)
	tag := &site.ServiceTag{Name: "Large"}
	for i := range 6000 {
		tag.Prefixes = append(tag.Prefixes,
			netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 7), byte(i << 1), 0}), 24), netip.PrefixFrom(netip.AddrFrom16([16]byte{0x26, 3, byte(i >> 7), byte(i << 1)}), 32))
	}
	b.Network.ServiceTags["large"] = tag
	g := b.Group("g", "100 out allow tcp * Large 443", "101 out deny udp Large 10.0.0.0/8 1-52,54-65535 *")
	for i := range 1000 - 2 {
		g.Rules = append(g.Rules, b.Rule(fmt.Sprintf("%d in allow tcp 10.%d.0.0/24,10.%d.2.0/24,10.%d.4.7,fd00:%x::/48 * 443,8080-8090", 100+i, i%250, i%250, i%250, i)))
	}
	for i := range 2 {
		g.Rules = append(g.Rules, b.Rule(fmt.Sprintf("%d in deny * * 10.0.%d.0/24 *", 2000+i, i)))
	}
	vn := b.VNet("vn", "10.0.0.0/16")
	b.Subnet(vn, "a", "10.0.0.0/24", g)
	b.Subnet(vn, "b", "10.0.1.0/24", nil)
	g.Rules = g.Rules[:1000]
	rules, ps := nsg.Compile(b.Network)
	if rules == nil {
		t.Fatal(ps.Err())
	}
	return rules
}

func tableNames(t *testing.T) string {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, table := range list {
		out = append(out, table.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// chainLength is how many rules the longest chain has in the kernel.
func chainLength(t *testing.T, table string, set *nsg.Ruleset) (longest int) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, chain := range set.Chains {
		list, err := c.GetRules(&nftables.Table{Family: nftables.TableFamilyINet, Name: table}, &nftables.Chain{Name: chain.Name})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != len(chain.Statements) {
			t.Errorf("chain %s: %d rules of %d", chain.Name, len(list), len(chain.Statements))
		}
		longest = max(longest, len(list))
	}
	return longest
}

// TestHostText: nft takes the text for a host, and takes it again.
func TestHostText(t *testing.T) {
	nft := testenv.Need(t, "nft")
	inNamespace(t, func(t *testing.T) {
		for i := range uint64(20) {
			r := nsgtest.NewRandom(t, *seed+i)
			rules, ps := nsg.Compile(r.Network(20))
			if rules == nil {
				t.Fatal(ps.Err())
			}
			for _, p := range r.Places() {
				text := rules.HostText(rules.At(p.Address))
				cmd := exec.Command(nft, "-f", "-")
				cmd.Stdin = strings.NewReader(text)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("seed %d, %s: %v\n%s\n%s", *seed+i, p.Name, err, out, text)
				}
			}
		}
	})
}

// TestExchange: at no moment between two sets of rules does a packet pass that
// both deny.
func TestExchange(t *testing.T) { inNamespace(t, exchange) }

func exchange(t *testing.T) {
	r := nsgtest.NewRandom(t, *seed)
	n := r.Network(1)
	for _, s := range n.VirtualNetworks[0].Subnets {
		s.SecurityGroup = &site.SecurityGroup{Name: "closed", Rules: []*site.SecurityRule{{
			Name: "DenyAll", Priority: 100, Inbound: true, Protocol: "*", Source: site.RuleAddresses{Any: true}, Destination: site.RuleAddresses{Any: true},
			SourcePorts: []site.PortRange{{First: 0, Last: 65535}}, DestinationPorts: []site.PortRange{{First: 0, Last: 65535}},
		}}}
		s.EndpointRules = true
	}
	rules, ps := nsg.Compile(n)
	if rules == nil {
		t.Fatal(ps.Err())
	}
	w := newWires(t, r.Places())
	witness(t, false)
	through, denied := 0, 0
	events := make(chan Event, 1<<16)
	if err := Watch(t.Context(), group, func(e Event) { events <- e }); err != nil {
		t.Fatal(err)
	}
	put := func() {
		if _, err := Install(rules, w.devices(rules, r.Places()), Options{Group: group}); err != nil {
			t.Fatal(err)
		}
	}
	put()
	stop, done := make(chan bool), make(chan int)
	go func() {
		sent := 0
		for ; ; sent++ {
			select {
			case <-stop:
				done <- sent
				return
			default:
				w.send(t, nsg.Packet{Protocol: nsg.UDP, Source: nsgtest.Addr("8.8.8.8"), Destination: nsgtest.Addr("10.0.0.200"), SourcePort: uint16(sent), DestinationPort: 53})
				time.Sleep(20 * time.Microsecond)
			}
		}
	}()
	for range 25 {
		put()
	}
	close(stop)
	sent := <-done
	for len(events) > 0 {
		if e := <-events; e.Entry == passed {
			through++
		} else {
			denied++
		}
	}
	t.Logf("%d packets in 25 exchanges, %d decisions seen, %d passed", sent, denied, through)
	if through > 0 || denied < 100 {
		t.Fail()
	}
}
