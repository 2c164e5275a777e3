package endpoint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

func TestHosts(t *testing.T) {
	n := contoso()
	e := add(n, "OpenAI", "contoso", "10.1.3.4")
	e.Names = append(e.Names, "models.contoso.internal", "contoso.privatelink.cognitiveservices.azure.com", "other.search.corp.example")
	e.Zones = []*site.PrivateZone{{Name: "privatelink.search.corp.example"}}
	s := compile(t, n)
	got := slices.Clone(s.All()[0].Hosts)
	slices.Sort(got)
	want := `contoso.cognitiveservices.azure.com
contoso.openai.azure.com
contoso.privatelink.cognitiveservices.azure.com
contoso.privatelink.openai.azure.com
models.contoso.internal
other.privatelink.search.corp.example
other.search.corp.example`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if s.Host("contoso.openai.azure.com") != s.Find("openai") || s.Host("fabrikam.openai.azure.com") != nil || s.Find("x") != nil {
		t.Error("not found by its host")
	}
	if label := s.All()[0].Label; label != "OpenAI 10.1.3.4" {
		t.Error(label)
	}
}

// TestIDs: a document that changes what it is about is decided about anew, one
// that is only written otherwise is not.
func TestIDs(t *testing.T) {
	id := func(change func(*site.PrivateEndpoint)) string {
		n := contoso()
		change(add(n, "openai", "contoso", "10.1.3.4", "10.1.3.5"))
		s, _ := Compile(n, nil)
		return s.All()[0].ID
	}
	first := id(func(*site.PrivateEndpoint) {})
	for name, change := range map[string]func(*site.PrivateEndpoint){
		"case":        func(e *site.PrivateEndpoint) { e.Name, e.Service = "OPENAI", strings.ToUpper(e.Service) },
		"order":       func(e *site.PrivateEndpoint) { slices.Reverse(e.Addresses) },
		"status":      func(e *site.PrivateEndpoint) { e.Status, e.Description = site.ConnectionRejected, "x" },
		"group case":  func(e *site.PrivateEndpoint) { e.GroupIDs = []string{"Account"} },
		"groups":      func(e *site.PrivateEndpoint) { e.GroupIDs = []string{"account"} },
		"more names":  func(e *site.PrivateEndpoint) { e.Names = append(e.Names, "a.example") },
		"mapped form": func(e *site.PrivateEndpoint) { e.Addresses[0] = addr("::ffff:10.1.3.4") },
	} {
		if id(change) != first {
			t.Errorf("%s changes what decisions are about", name)
		}
	}
	seen := map[string]string{first: "nothing"}
	for name, change := range map[string]func(*site.PrivateEndpoint){
		"name":       func(e *site.PrivateEndpoint) { e.Name = "openai2" },
		"service":    func(e *site.PrivateEndpoint) { e.Service += "2" },
		"address":    func(e *site.PrivateEndpoint) { e.Addresses[0] = addr("10.1.3.6") },
		"no address": func(e *site.PrivateEndpoint) { e.Addresses = e.Addresses[:1] },
		"group":      func(e *site.PrivateEndpoint) { e.GroupIDs = []string{"x"} },
		"groups":     func(e *site.PrivateEndpoint) { e.GroupIDs = []string{"account", "10.1.3.3"} },
	} {
		got := id(change)
		if other, twice := seen[got]; twice {
			t.Errorf("%s and %s are one", name, other)
		}
		seen[got] = name
	}
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site.Network)
		want   string
	}{
		"outside": {func(n *site.Network) { add(n, "a", "contoso", "10.1.2.4") }, `endpoint-outside network/a.yaml:1 an address of contoso/endpoints`},
		"group": {func(n *site.Network) { add(n, "a", "contoso", "10.1.3.4").GroupIDs = []string{"acount"} },
			`endpoint-group network/a.yaml:1 account write account`},
		"group of another type": {func(n *site.Network) { add(n, "a", "contoso", "10.1.3.4").GroupIDs = []string{"vault"} }, `endpoint-group network/a.yaml:1 account`},
		"storage": {func(n *site.Network) {
			e := add(n, "a", "contoso", "10.1.3.4")
			e.ServiceType, e.GroupIDs = "microsoft.storage/storageaccounts", []string{"Blob_secondary"}
		}, ""},
		"an unknown type": {func(n *site.Network) {
			e := add(n, "a", "contoso", "10.1.3.4")
			e.ServiceType, e.GroupIDs = "Contoso.Models/servers", []string{"model"}
		}, ""},
		"two": {func(n *site.Network) { add(n, "a", "contoso", "10.1.3.4"); add(n, "b", "contoso", "10.1.3.5") },
			`endpoint-twice network/b.yaml:1 one endpoint for a host in the gateway's network remove one of them, or say with network.subnet in which of their networks the gateway stands`},
		"two, of which one stands in another network": {func(n *site.Network) {
			add(n, "a", "contoso", "10.1.3.4").Subnet = &site.Subnet{Name: "far", VirtualNetwork: &site.VirtualNetwork{Name: "other"}, Prefixes: n.VirtualNetworks[0].AddressSpace}
			add(n, "b", "contoso", "10.1.3.5")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := contoso()
			c.change(n)
			s, problems := Compile(n, n.VirtualNetworks[0])
			got := ""
			for _, p := range problems {
				got += strings.TrimSpace(fmt.Sprintf("%s %s:%d %s %s", p.Code, p.Pos.File, p.Pos.Line, p.Expected, p.Mend))
			}
			if got != c.want {
				t.Errorf("got %s", got)
			}
			if name == "two, of which one stands in another network" && s.Host("contoso.openai.azure.com").Name != "b" {
				t.Error("the far one is chosen")
			}
		})
	}
	if s, problems := Compile(nil, nil); len(s.All()) != 0 || len(problems) != 0 {
		t.Error("no network is a problem")
	}
}
