package nsg

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
)

var update = flag.Bool("update", false, "write the expected files anew")

func explain(t *testing.T, r *Rules, from, to string, port uint16, protocol Protocol) *Explanation {
	t.Helper()
	a, err := r.Resolve(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Resolve(to)
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Explain(a, b, port, protocol)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestExplain: the text that somebody reads who asks why.
func TestExplain(t *testing.T) {
	_, r := architecture(t)
	var b strings.Builder
	for _, c := range []struct {
		from, to string
		port     uint16
		protocol Protocol
	}{
		{"web1", "gw1", 443, TCP},
		{"main/app", "gateway", 80, TCP},
		{"app", "openai", 443, TCP},
		{"gateway", "openai", 443, TCP},
		{"gateway", "vault", 443, TCP},
		{"internet", "gateway", 443, TCP},
		{"bare", "internet", 443, TCP},
		{"app", "internet", 443, TCP},
		{"app", "168.63.129.16", 53, UDP},
		{"app", "169.254.169.254", 80, TCP},
		{"gateway", "169.254.169.254", 80, TCP},
		{"alone/there", "bare", 22, TCP},
		{"fd00:1::4", "gateway", 443, TCP},
		{"app", "gateway", 0, ICMP},
		{"8.8.8.8", "internet", 53, UDP},
	} {
		fmt.Fprintln(&b, explain(t, r, c.from, c.to, c.port, c.protocol).Text())
	}
	const file = "testdata/explain.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExplainJSON(t *testing.T) {
	_, r := architecture(t)
	text, err := json.MarshalIndent(explain(t, r, "web1", "openai", 443, TCP), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kind": "nic"`, `"address": "10.0.0.4"`, `"allow": false`, `"direction": "outbound"`, `"level": "subnet"`, `"group": "app"`, `"name": "r200"`, `"place": {`, `"why": [`, `"priority": 200`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestResolve(t *testing.T) {
	b, _ := architecture(t)
	b.NIC(b.Network.VirtualNetworks[0].Subnets[0], "gateway", "10.0.0.77", nil)
	b.NIC(b.Network.VirtualNetworks[0].Subnets[0], "without", "", nil)
	r := compiled(t, b)
	for _, c := range []struct{ text, want string }{
		{"gateway", `"gateway" means several things; write one of: subnet:main/gateway, nic:gateway`},
		{"nic:gateway", "nic gateway 10.0.0.77"},
		{"subnet:Gateway", "subnet main/gateway 10.0.1.4"},
		{"there", `"there" means several things; write one of: subnet:other/there, subnet:closed/there, subnet:alone/there`},
		{"other/there", "subnet other/there 10.1.0.4"},
		{"OpenAI", "endpoint openai 10.0.2.4"},
		{"app", "subnet main/app 10.0.0.6"}, // what interfaces have is not free
		{"internet", "internet internet 203.0.113.10"},
		{"10.0.0.5", "address web2 10.0.0.5"},
		{"10.0.0.50", "address main/app 10.0.0.50"},
		{"fd00:1::4", "address web1 fd00:1::4"},
		{"endpoint:app", `the network has no subnet, interface or endpoint "app"; did you mean "app"?`},
		{"opnai", `the network has no subnet, interface or endpoint "opnai"; did you mean "openai"?`},
		{"mars", `the network has no subnet, interface or endpoint "mars", and it is neither an address nor "internet"`},
		{"without", `nic "without" has no address`},
	} {
		e, err := r.Resolve(c.text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%s %s %s", e.Kind, e.Name, e.addresses[0])
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
	if _, err := r.Explain(End{addresses: nsgtest.Addrs("10.0.0.1")}, End{addresses: nsgtest.Addrs("fd00::1")}, 1, TCP); err == nil {
		t.Error("two families met")
	}
}

// TestExplainRandom: what is explained is what is enforced, on random networks.
func TestExplainRandom(t *testing.T) {
	for i := range uint64(60) {
		r := nsgtest.NewRandom(t, *seed+i)
		rules, ps := Compile(r.Network(20))
		if rules == nil {
			t.Fatal(ps.Err())
		}
		for range 200 {
			pk := randomPacket(r)
			from, err := rules.Resolve(pk.Source.String())
			if err != nil {
				t.Fatal(err)
			}
			to, err := rules.Resolve(pk.Destination.String())
			if err != nil {
				t.Fatal(err)
			}
			x, err := rules.Explain(from, to, pk.DestinationPort, pk.Protocol)
			if err != nil {
				if pk.Source.Is4() == pk.Destination.Is4() {
					t.Fatalf("seed %d, %+v: %v", *seed+i, pk, err)
				}
				continue
			}
			pk.AnySourcePort = true
			if d := rules.Flow(pk); d.Allow != x.Allow {
				t.Fatalf("seed %d, %+v: explained as %v", *seed+i, pk, x.Allow)
			}
			for _, s := range x.Steps {
				for _, p := range s.Passed {
					if len(p.Why) == 0 {
						t.Fatalf("no reason for %s", p.Rule.Name)
					}
				}
			}
		}
	}
}
