package nft

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/testenv"
)

var (
	seed = flag.Uint64("nsg.seed", 1, "the seed of random networks")
	sets = flag.Int("nsg.sets", 200, "how many random networks the kernel is asked about")
)

// namespaceEnv tells a test that it runs in a network namespace of its own; it
// holds the name of the namespace outside.
const namespaceEnv = "CLOISTER_NSG_NAMESPACE"

// inNamespace runs a test in a network namespace of its own, which needs no root.
func inNamespace(t *testing.T, test func(*testing.T)) {
	outside, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		testenv.Missing(t, "no network namespaces here: %v", err)
	}
	if was := os.Getenv(namespaceEnv); was != "" {
		if was == outside {
			t.Fatal("this is not a namespace of its own")
		}
		runtime.LockOSThread()
		test(t)
		return
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.count=1", "-test.v", fmt.Sprintf("-nsg.seed=%d", *seed), fmt.Sprintf("-nsg.sets=%d", *sets)}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), namespaceEnv+"="+outside)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		testenv.Missing(t, "this user may not make network namespaces: %v", err)
	}
	t.Logf("in the namespace:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fail()
	}
}

const (
	group = 77
	// passed is the entry of the witness: the packet is through all rules.
	passed = 1_000_000
)

// witness logs what comes through, behind the rules. Unless flows count, it keeps
// the kernel from taking a packet for the answer to one before it.
func witness(t *testing.T, flows bool) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	accept := nftables.ChainPolicyAccept
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "witness"})
	chain := func(name string, at *nftables.ChainHook, priority nftables.ChainPriority, e ...expr.Any) {
		ch := c.AddChain(&nftables.Chain{Name: name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: at, Priority: &priority, Policy: &accept})
		c.AddRule(&nftables.Rule{Table: table, Chain: ch, Exprs: e})
	}
	b := &builder{opt: Options{Group: group}}
	if !flows {
		chain("raw", nftables.ChainHookPrerouting, -300, &expr.Notrack{})
	}
	chain("forward", nftables.ChainHookForward, 300, b.logged(passed)...)
	chain("input", nftables.ChainHookInput, 300, b.logged(passed)...)
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestKernel holds the kernel's nftables, which names the rule that decided, to
// the compiled rules: 200 random networks, inbound and outbound, subnet and
// interface, TCP, UDP, ICMP and what has no ports, IPv4 and IPv6.
func TestKernel(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		kernel(t, *sets, func(rules *nsg.Rules, devices []Device) (*nsg.Ruleset, error) {
			return Install(rules, devices, Options{Group: group})
		})
	})
}

// TestKernelText does the same with the rules as text, put into the kernel by
// nft(8).
func TestKernelText(t *testing.T) {
	nft := testenv.Need(t, "nft")
	inNamespace(t, func(t *testing.T) {
		kernel(t, max(*sets/5, 1), func(rules *nsg.Rules, devices []Device) (*nsg.Ruleset, error) {
			return installText(nft, rules, devices)
		})
	})
}

// installText hangs the text of chains up as [Install] does.
func installText(nft string, rules *nsg.Rules, devices []Device) (*nsg.Ruleset, error) {
	var points []*nsg.Point
	for _, d := range devices {
		points = append(points, d.Point)
	}
	set := rules.Ruleset(points...)
	log := func(entry int) string {
		return fmt.Sprintf("log prefix %q group %d", fmt.Sprint(prefixText, entry), group)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "table inet text\ndelete table inet text\ntable inet text {\n%s", set.ChainsText(log))
	for _, hook := range []string{"forward", "input"} {
		fmt.Fprintf(&b, "chain %s {\ntype filter hook %s priority 0; policy accept;\n", hook, hook)
		for _, from := range devices {
			for _, to := range devices {
				if hook == "forward" && !rules.Connected(from.Point, to.Point) {
					fmt.Fprintf(&b, "iifname %s oifname %s %s drop\n", from.Name, to.Name, log(set.NotPeered()))
				}
			}
		}
		for _, d := range devices {
			fmt.Fprintf(&b, "iifname %s jump %s\n", d.Name, set.From(d.Point))
		}
		for _, d := range devices {
			if hook == "forward" {
				fmt.Fprintf(&b, "oifname %s jump %s\n", d.Name, set.To(d.Point))
			}
		}
		b.WriteString("}\n")
	}
	b.WriteString("}\n")
	cmd := exec.Command(nft, "-f", "-")
	cmd.Stdin = strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("nft: %v\n%s\n%s", err, out, b.String())
	}
	return set, nil
}

func kernel(t *testing.T, sets int, install func(*nsg.Rules, []Device) (*nsg.Ruleset, error)) {
	const each = 40
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := make(chan Event, 1024)
	if err := Watch(ctx, group, func(e Event) { events <- e }); err != nil {
		t.Fatal(err)
	}
	witness(t, false)
	var w *wires
	answers := map[string]int{}
	var installing time.Duration
	for i := range uint64(sets) {
		r := nsgtest.NewRandom(t, *seed+i)
		rules, ps := nsg.Compile(r.Network(1 + r.IntN(25)))
		if rules == nil {
			t.Fatal(ps.Err())
		}
		if w == nil { // all random networks have the same places
			w = newWires(t, r.Places())
		}
		began := time.Now()
		set, err := install(rules, w.devices(rules, r.Places()))
		if err != nil {
			t.Fatalf("seed %d: %v", *seed+i, err)
		}
		installing += time.Since(began)
		for sent := 0; sent < each; {
			p := r.Packet()
			if !routable(p) {
				continue
			}
			sent++
			pk := nsg.Packet{Protocol: nsg.Protocol(p.Protocol), Source: p.Source, Destination: p.Destination, SourcePort: p.SourcePort, DestinationPort: p.DestinationPort}
			if pk.Protocol.HasPorts() {
				answers[pk.Protocol.String()]++
			}
			w.send(t, pk)
			got := listen(t, events, set, pk)
			want := expected(rules, pk)
			if got != want {
				t.Fatalf("seed %d, %+v:\nkernel:   %s\ncompiled: %s", *seed+i, pk, got, want)
			}
			for _, d := range strings.Split(got, ", ") {
				answers[strings.Join(strings.Fields(d)[:min(3, len(strings.Fields(d)))], " ")]++
			}
			if pk.Source.Is6() {
				answers["IPv6"]++
			}
		}
	}
	t.Logf("%d networks, %v to install one; %v", sets, installing/time.Duration(sets), answers)
	for _, k := range []string{"allow in subnet", "deny in subnet", "allow in nic", "deny in nic", "deny out subnet", "deny out nic", "allow out subnet", "deny out platform", "passed", "tcp", "udp", "IPv6"} {
		if answers[k] < sets/20 {
			t.Errorf("%s: %d answers", k, answers[k])
		}
	}
}

// routable reports whether the kernel forwards such a packet at all, and sees it
// as rules do.
func routable(p nsgtest.Packet) bool {
	for _, a := range []netip.Addr{p.Source, p.Destination} {
		if a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || a.IsLinkLocalUnicast() && a != nsg.MetadataAddress() {
			return false
		}
		if a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 224) {
			return false
		}
	}
	if p.Source == nsg.MetadataAddress() || p.Source == nsg.HostAddress() && p.Destination == nsg.HostAddress() {
		return false
	}
	return p.Source.Is4() == p.Destination.Is4() && !(p.Protocol == uint8(nsg.AH) && p.Source.Is6())
}

// listen gathers what the kernel says about one packet: the last word of the
// outbound rules, that of the inbound rules, and whether it came through.
func listen(t *testing.T, events <-chan Event, set *nsg.Ruleset, pk nsg.Packet) string {
	t.Helper()
	var out, in string
	for {
		select {
		case e := <-events:
			if e.Packet.Source != pk.Source || e.Packet.Destination != pk.Destination || e.Packet.Protocol != pk.Protocol || pk.Protocol.HasPorts() && e.Packet != pk {
				t.Fatalf("sent %+v, logged %+v", pk, e.Packet)
			}
			if e.Entry == passed {
				return words(out, in, "passed")
			}
			d := set.Entries[e.Entry].Decision()
			if d.Inbound {
				in = said(d)
			} else {
				out = said(d)
			}
			if !d.Allow {
				return words(out, in, "")
			}
		case <-time.After(3 * time.Second):
			t.Fatalf("%+v: the kernel says nothing after %q %q", pk, out, in)
		}
	}
}

func words(list ...string) string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func said(d nsg.Decision) string {
	w := []string{"deny", "out", d.Level.String(), d.Rule.ID()}
	if d.Allow {
		w[0] = "allow"
	}
	if d.Inbound {
		w[1] = "in"
	}
	return strings.Join(w, " ")
}

// expected is what [listen] should hear.
func expected(rules *nsg.Rules, pk nsg.Packet) string {
	from, to := rules.At(pk.Source), rules.At(pk.Destination)
	if !rules.Connected(from, to) {
		return said(rules.Flow(pk))
	}
	var out, in string
	if from != nil {
		d := rules.Outbound(from, pk)
		if out = said(d); !d.Allow {
			return out
		}
	}
	if to != nil {
		d := rules.Inbound(to, pk)
		if in = said(d); !d.Allow {
			return words(out, in)
		}
	}
	return words(out, in, "passed")
}
