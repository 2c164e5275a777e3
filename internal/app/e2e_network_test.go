package app

import (
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

const networkOfTest = `- type: Microsoft.Network/virtualNetworks
  name: v
  properties:
    addressSpace: {addressPrefixes: [10.1.0.0/16]}
    subnets:
    - {name: gateway, properties: {addressPrefix: 10.1.2.0/24, networkSecurityGroup: {id: gateway}}}
    - {name: other, properties: {addressPrefix: 10.1.3.0/24, networkSecurityGroup: {id: gateway}}}
- type: Microsoft.Network/networkSecurityGroups
  name: gateway
  properties:
    securityRules:
    - {name: AllowApp, properties: {priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.1.1.0/24, sourcePortRange: "*", destinationAddressPrefix: 10.1.2.0/24, destinationPortRange: "443"}}
    - {name: DenyIn, properties: {priority: 200, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}}
    - {name: DenyModels, properties: {priority: 100, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.1.3.0/24, destinationPortRange: "*"}}
- {type: Microsoft.Network/networkInterfaces, name: first, properties: {networkSecurityGroup: {id: nic}, ipConfigurations: [{name: a, properties: {privateIPAddress: 10.1.2.9, subnet: {id: v/gateway}}}]}}
- type: Microsoft.Network/networkSecurityGroups
  name: nic
  properties:
    securityRules:
    - {name: DenyOne, properties: {priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: 10.1.1.7, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*"}}
`

// hostAt is a machine with addresses.
func hostAt(list ...string) func() ([]netip.Addr, error) {
	return func() (out []netip.Addr, err error) {
		for _, a := range append(list, "127.0.0.1") {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	}
}

// TestPlacement: the rules of the subnet in which the gateway stands, and those of its
// interface, hold for what comes in and what goes out; loopback is no network.
func TestPlacement(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{"network/v.yaml": networkOfTest})
	s.write(t, "cloister.yaml", s.config("network: {subnet: gateway}\n"))
	loaded, problems := site.Load(s.dir)
	if loaded == nil {
		t.Fatal(problems.Err())
	}
	for name, at := range map[string]string{"interface": "10.1.2.9", "subnet": "10.1.2.3"} {
		p, problems := findPlacement(loaded, surroundings{hostAddrs: hostAt("192.168.1.1", at)})
		if p == nil || problems.HasErrors() {
			t.Fatal(problems.Err())
		}
		local := netip.AddrPortFrom(netip.MustParseAddr(at), 443)
		for peer, want := range map[string]bool{
			"10.1.1.4:999": true, "10.1.1.7:999": name == "subnet", "10.1.4.4:999": false, "203.0.113.4:999": false, "127.0.0.1:999": true,
			"[fd00::1]:999": false,
		} {
			if got := p.admits(local, netip.MustParseAddrPort(peer)); got != want {
				t.Errorf("%s: %s: %v", name, peer, got)
			}
		}
		if !p.admits(local, netip.AddrPortFrom(local.Addr(), 999)) {
			t.Errorf("%s: the machine does not reach itself", name)
		}
		if p.admits(netip.AddrPortFrom(local.Addr(), 80), netip.MustParseAddrPort("10.1.1.4:999")) {
			t.Errorf("%s: a port that no rule opens is open", name)
		}
		for to, want := range map[string]string{
			"10.1.4.4:443": "", "10.1.3.4:443": "gateway/DenyModels", "127.0.0.1:5": "", "[fd00::1]:443": "none: the gateway has no address of that family in its subnet",
		} {
			rule, ok := p.permits("tcp4", netip.MustParseAddrPort(to))
			if ok != (want == "") || !ok && rule != want {
				t.Errorf("%s: %s: %v by %s", name, to, ok, rule)
			}
		}
	}
}

// TestServesInItsSubnet: a host outside the subnet serves only when it is told
// that the site describes another one.
func TestServesInItsSubnet(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }), map[string]string{"network/v.yaml": networkOfTest})
	s.write(t, "cloister.yaml", strings.Replace(s.config("network: {subnet: gateway}\n"), "  model: [", "  model: [{host: 10.1.3.4}, ", 1))
	s.write(t, "apim/apis/out/apiInformation.json", `{"properties":{"displayName":"Out","path":"out","protocols":["https"],"serviceUrl":"https://10.1.3.4/x","subscriptionRequired":true}}`)
	s.write(t, "apim/apis/out/specification.yaml", wildcardSpecification)
	p, problems, err := Start(t.Context(), Options{Dir: s.dir, HostAddrs: hostAt("10.1.3.3", "10.9.9.9"), Stdout: io.Discard, Stderr: io.Discard})
	if p != nil || err != nil || !strings.Contains(problems.Err().Error(), "none of the host's addresses (10.1.3.3, 10.9.9.9) lies in the subnet v/gateway (10.1.2.0/24)") {
		t.Fatalf("%v %v %v", p, problems, err)
	}
	t.Run("detached", func(t *testing.T) {
		g := s.startWith(t, func(o *Options) { o.HostAddrs, o.Detached = hostAt("10.1.3.3"), true })
		if resp, body := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != 200 || body != "hello" {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
	g := s.startWith(t, func(o *Options) { o.HostAddrs = hostAt("10.1.2.3") })
	if resp, body := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("%s %s", resp.Status, body)
	}
	// Nothing is sent to what a rule denies.
	if resp, body := g.do(t, "GET", "/out/x", "", nil); resp.StatusCode != 500 {
		t.Errorf("%s %s", resp.Status, body)
	}
	if log := g.log.String(); !strings.Contains(log, "security-rule") || !strings.Contains(log, "gateway/DenyModels") {
		t.Error(log)
	}
}

// TestFlowLog: what rules decide is written where the site says, the last of it
// at the end; a file that was rotated away is let go of.
func TestFlowLog(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{"network/v.yaml": networkOfTest})
	s.write(t, "cloister.yaml", strings.Replace(s.config("network: {subnet: gateway, flowLog: flows.json}\n"), "  model: [", "  model: [{host: 10.1.3.4}, ", 1))
	s.write(t, "apim/apis/out/apiInformation.json", `{"properties":{"displayName":"Out","path":"out","protocols":["https"],"serviceUrl":"https://10.1.3.4/x","subscriptionRequired":true}}`)
	s.write(t, "apim/apis/out/specification.yaml", wildcardSpecification)
	t.Run("serving", func(t *testing.T) {
		g := s.startWith(t, func(o *Options) { o.HostAddrs = hostAt("10.1.2.3") })
		if resp, body := g.do(t, "GET", "/out/x", "", nil); resp.StatusCode != 500 {
			t.Errorf("%s %s", resp.Status, body)
		}
		if err := os.Rename(filepath.Join(s.dir, "flows.json"), filepath.Join(s.dir, "flows.1")); err != nil {
			t.Fatal(err)
		}
		if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
			t.Fatalf("%v %v", r.Problems, err)
		}
	})
	text, err := os.ReadFile(filepath.Join(s.dir, "flows.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"resourceId":"/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/GATEWAY"`, `"rule":"UserRule_DenyModels"`, ",10.1.2.3,10.1.3.4,0,443,T,O,D,B,,,,"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
