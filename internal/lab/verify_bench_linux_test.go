package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// benchEnv tells a test that it runs in namespaces of its own; it holds the
// directory of a site.
const benchEnv = "CLOISTER_LAB_BENCH"

// unshared runs a test in namespaces of its own, as the lab's inner process is.
func unshared(t *testing.T, test func(*testing.T)) {
	if os.Getenv(benchEnv) != "" {
		test(t)
		return
	}
	dir := filepath.Join(t.TempDir(), "site")
	if out, err := exec.Command(testenv.Binary(t), "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("cloister init: %v\n%s", err, out)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), benchEnv+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		testenv.Missing(t, "this user may not make namespaces: %v", err)
	}
	t.Logf("in the namespace:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fail()
	}
}

// initNetwork is the network of a site from "cloister init".
func initNetwork(t *testing.T) *site.Site {
	t.Helper()
	s, problems := site.Load(os.Getenv(benchEnv))
	if s == nil {
		t.Fatal(problems.Err())
	}
	return s
}

// wrong are the probes of a network that pass or not otherwise than expected.
func wrong(t *testing.T, s *site.Site) (bad []string, tried int) {
	t.Helper()
	rules, problems := nsg.Compile(s.Network)
	if rules == nil {
		t.Fatal(problems.Err())
	}
	plan, err := NewPlan(s)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReach(s.Network)
	if err != nil {
		t.Fatal(err)
	}
	probes, err := planProbes(rules, plan, r, 1)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := judge(t.Context(), s.Network, rules, probes)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range probes {
		if answers[i].Allow != p.expected {
			bad = append(bad, fmt.Sprintf("%s inbound=%v %+v: %v by %s", p.host.Name, p.inbound, p.packet, answers[i].Allow, answers[i].Rule.ID()))
		}
	}
	return bad, len(probes)
}

// TestRuleChanges: a site from init is as its reachability says; and whatever is
// changed in its rules so that they let through more, or less of what has to be
// reachable, is noticed by packets.
func TestRuleChanges(t *testing.T) {
	unshared(t, func(t *testing.T) {
		began := time.Now()
		bad, tried := wrong(t, initNetwork(t))
		if len(bad) > 0 || tried < 50 {
			t.Fatalf("of %d probes: %s", tried, strings.Join(bad, "\n"))
		}
		t.Logf("%d probes in %v", tried, time.Since(began))
		changes := 0
		for g, group := range initNetwork(t).Network.SecurityGroups {
			for i, rule := range group.Rules {
				for name, change := range changesOf(rule) {
					s := initNetwork(t)
					other := s.Network.SecurityGroups[g]
					if change == nil {
						other.Rules = slices.Delete(other.Rules, i, i+1)
					} else {
						change(other.Rules[i])
					}
					changes++
					if bad, _ := wrong(t, s); len(bad) == 0 {
						t.Errorf("%s/%s: %s goes unnoticed", group.Name, rule.Name, name)
					}
				}
			}
		}
		t.Logf("%d changes", changes)
	})
}

// changesOf are the ways in which a rule is opened, or, if it is a Deny, taken
// away: nil removes it.
func changesOf(r *site.SecurityRule) map[string]func(*site.SecurityRule) {
	if !r.Allow {
		return map[string]func(*site.SecurityRule){"without it": nil}
	}
	p := netip.MustParsePrefix
	out := map[string]func(*site.SecurityRule){
		"without it":   nil,
		"a port above": func(r *site.SecurityRule) { r.DestinationPorts[0].Last++ },
		"a port below": func(r *site.SecurityRule) { r.DestinationPorts[0].First-- },
		"another port": func(r *site.SecurityRule) {
			r.DestinationPorts = append(r.DestinationPorts, site.PortRange{First: 8080, Last: 8080})
		},
		"all ports": func(r *site.SecurityRule) { r.DestinationPorts = []site.PortRange{{First: 0, Last: 65535}} },
		"UDP too":   func(r *site.SecurityRule) { r.Protocol = "*" },
	}
	for name, more := range map[string]netip.Prefix{
		"an address inside":  p("10.60.4.7/32"),
		"an address outside": p("203.0.113.77/32"),
		"the subnet beside":  p("10.60.0.0/24"),
		"the subnet app":     p("10.60.1.0/24"),
		"the subnet gateway": p("10.60.2.0/24"),
		"another endpoint":   p("10.60.3.5/32"),
	} {
		covers := func(list []netip.Prefix) bool {
			return slices.ContainsFunc(list, func(q netip.Prefix) bool { return q.Overlaps(more) && q.Bits() <= more.Bits() })
		}
		if !covers(r.Source.Prefixes) {
			out["source: "+name] = func(r *site.SecurityRule) { r.Source.Prefixes = append(r.Source.Prefixes, more) }
		}
		if !covers(r.Destination.Prefixes) {
			out["destination: "+name] = func(r *site.SecurityRule) { r.Destination.Prefixes = append(r.Destination.Prefixes, more) }
		}
	}
	out["any source"] = func(r *site.SecurityRule) { r.Source = site.RuleAddresses{Any: true} }
	out["any destination"] = func(r *site.SecurityRule) { r.Destination = site.RuleAddresses{Any: true} }
	return out
}
