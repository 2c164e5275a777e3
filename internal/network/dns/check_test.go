package dns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestProblems: what is wrong with the documents, with its place and mend, and
// nothing else.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(c *contoso)
		want  string // "LINE severity code: message; … mend", one a line
	}{
		{"nothing", func(*contoso) {}, ""},
		{"an exported zone holds what the zone group wrote", func(c *contoso) { set(c.openai, "contoso A 10.0.3.4") }, ""},
		{"unlinked", func(c *contoso) { c.PrivateZones = append(c.PrivateZones, privateZone("a.test")) },
			"10 warning zone-unlinked: the zone a.test is linked to no network: nobody gets its answers; mend: link it to the networks whose machines ask for its names"},
		{"misspelt", func(c *contoso) {
			for _, n := range []string{
				"privatelink.openai.azur.com", "privatlink.openai.azure.com", "privatelink.opneai.azure.com", "privatelink.vaultcore.azure.com", "private-link.openai.azure.com",
				"privatelink.openai.com", "privatelink.cognitiveservice.azure.com",
				// These are meant as they are.
				"privatelink.contoso.test", "privatelink.models.internal", "privatelink.westeurope.azmk8s.io", "x.privatelink.openai.azure.com", "openai.azure.com",
				"privatelink.search.windows.net", "private.contoso.test", "privatelink.newservice.azure.com", "azure-api.net",
			} {
				c.PrivateZones = append(c.PrivateZones, privateZone(n, c.lone))
			}
		}, `10 warning zone-misspelt: privatelink.openai.azur.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.openai.azure.com
			10 warning zone-misspelt: privatlink.openai.azure.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.openai.azure.com
			10 warning zone-misspelt: privatelink.opneai.azure.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.openai.azure.com
			10 warning zone-misspelt: privatelink.vaultcore.azure.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.vaultcore.azure.net
			10 warning zone-misspelt: private-link.openai.azure.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.openai.azure.com
			10 warning zone-misspelt: privatelink.openai.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.openai.azure.com
			10 warning zone-misspelt: privatelink.cognitiveservice.azure.com is no zone of Azure's private endpoints: their names will not be found in it; mend: write privatelink.cognitiveservices.azure.com`},
		{"names", func(c *contoso) {
			set(c.openai, "x.other.test. A 10.0.0.1")
			set(c.openai, "full.privatelink.openai.azure.com. A 10.0.0.1")
			set(c.openai, "privatelink.openai.azure.com. A 10.0.0.1")
			set(c.openai, "double.privatelink.openai.azure.com A 10.0.0.1")
			set(c.openai, "public.openai.azure.com A 10.0.0.1")
			set(c.openai, "sp!ce A 10.0.0.1")
			set(c.openai, "a.*.b A 10.0.0.1")
			set(c.openai, strings.Repeat("a", 64)+" A 10.0.0.1")
		}, `20 error zone-record-outside: the record x.other.test. lies outside its zone; mend: move it to its own zone
			21 error zone-record-name: the record full.privatelink.openai.azure.com. is named in full; mend: write full
			22 error zone-record-name: the record privatelink.openai.azure.com. is named in full; mend: write @
			23 warning zone-record-name: the record double.privatelink.openai.azure.com answers for double.privatelink.openai.azure.com.privatelink.openai.azure.com: names are relative to the zone; mend: write double for double.privatelink.openai.azure.com
			24 warning zone-record-outside: the record public.openai.azure.com answers for public.openai.azure.com.privatelink.openai.azure.com: names are relative to the zone; mend: write public
			25 error zone-record-name: the record "sp!ce" of privatelink.openai.azure.com: a label has letters, digits, "-" and "_", and "*" stands alone and first
			26 error zone-record-name: the record "a.*.b" of privatelink.openai.azure.com: a label has letters, digits, "-" and "_", and "*" stands alone and first
			27 error zone-record-name: the record "` + strings.Repeat("a", 64) + `" of privatelink.openai.azure.com: a label has 1 to 63 bytes`},
		{"sets", func(c *contoso) {
			set(c.openai, "a A 10.0.0.1")
			set(c.openai, "a A 10.0.0.2")
			set(c.openai, "a TXT x")
			set(c.openai, "a CNAME b.test")
			set(c.openai, "@ CNAME b.test")
			set(c.openai, "b CNAME b..test")
			set(c.openai, "c A "+strings.Repeat("10.0.0.1 ", 21))
			set(c.openai, "d TXT "+strings.Repeat("x", 256))
			set(c.openai, "e TXT "+strings.Repeat(strings.Repeat("x", 250)+"+", 5))
		}, `21 error zone-record-twice: the zone privatelink.openai.azure.com has the record set a of type A twice; mend: put all records into one of them
			23 error zone-cname-beside: a.privatelink.openai.azure.com is an alias and has other records; mend: remove one kind
			24 error zone-cname-apex: the zone privatelink.openai.azure.com cannot be an alias itself
			25 error zone-cname-target: the target "b..test" of b.privatelink.openai.azure.com: a label has 1 to 63 bytes
			26 error zone-record-many: the record set c.privatelink.openai.azure.com of type A has more than Azure allows
			27 error zone-record-text: a text of d.privatelink.openai.azure.com is too long; mend: split it
			28 error zone-record-text: a text of e.privatelink.openai.azure.com is too long`},
		{"circles", func(c *contoso) {
			set(c.openai, "a CNAME b.contoso.internal")
			set(c.internal, "b CNAME a.privatelink.openai.azure.com")
			set(c.internal, "self CNAME self.contoso.internal")
			for i := range 9 {
				set(c.internal, fmt.Sprintf("c%d CNAME c%d.contoso.internal", i, i+1))
			}
		}, `20 error zone-cname-loop: the alias a.privatelink.openai.azure.com leads in a circle or through more than 8 names; mend: let it lead to the last name itself
			31 error zone-cname-loop: the alias b.contoso.internal leads in a circle or through more than 8 names; mend: let it lead to the last name itself
			32 error zone-cname-loop: the alias self.contoso.internal leads in a circle or through more than 8 names; mend: let it lead to the last name itself
			33 error zone-cname-loop: the alias c0.contoso.internal leads in a circle or through more than 8 names; mend: let it lead to the last name itself`},
		{"links", func(c *contoso) {
			c.PrivateZones = append(c.PrivateZones, privateZone("contoso.internal", c.hub))
			c.internal.Links = append(c.internal.Links, &site.ZoneLink{Pos: pos(12), Name: "again", VirtualNetwork: c.hub}, &site.ZoneLink{Pos: pos(13), Name: "nowhere"})
			c.internal.Links[0].Fallback, c.internal.Links[0].Registration, c.openai.Links[0].Registration = true, true, true
		}, `11 warning zone-fallback: NxDomainRedirect counts for privatelink zones alone, and contoso.internal is none; mend: remove resolutionPolicy
			11 error zone-link-twice: two zones named contoso.internal are linked to the network hub; mend: move the records of one into the other
			11 error zone-registration-twice: the network hub registers in two zones (also by the link to-hub); mend: set registrationEnabled to false in one of them
			12 error zone-link-twice: the zone contoso.internal is linked to the network hub twice; mend: remove one of the links`},
		{"the classic trap", func(c *contoso) { c.openai.Links = c.openai.Links[1:] },
			"50 warning endpoint-zone-unlinked: the zone privatelink.openai.azure.com of the endpoint pe-models is not linked to the gateway's network hub: its names lead outside; mend: link privatelink.openai.azure.com to hub"},
		{"no zone", func(c *contoso) { c.models.Zones, c.PrivateZones = nil, []*site.PrivateZone{c.internal} },
			"50 warning endpoint-name-outside: no private zone leads contoso.openai.azure.com to the endpoint pe-models: in Azure the name is public here; mend: add a privateDnsZoneGroups, or the record to a zone that is linked to hub"},
		{"no zone group", func(c *contoso) { c.models.Zones = nil },
			"50 warning endpoint-name-missing: the zone privatelink.openai.azure.com has no record for contoso.openai.azure.com: the name does not exist; mend: add the record contoso.openai.azure.com → 10.0.3.4, or a privateDnsZoneGroups"},
		{"by hand", func(c *contoso) { c.models.Zones = nil; set(c.openai, "contoso A 10.0.3.4") }, ""},
		{"by hand, to another place", func(c *contoso) { c.models.Zones = nil; set(c.openai, "contoso A 10.0.3.9") },
			"50 warning endpoint-name-elsewhere: contoso.openai.azure.com leads to 10.0.3.9, which is no address of the endpoint pe-models; mend: let the record name 10.0.3.4"},
		{"another record", func(c *contoso) { set(c.openai, "contoso A 10.0.3.9") },
			"50 warning endpoint-record: the zone has another record for contoso.privatelink.openai.azure.com than the address of the endpoint pe-models, which counts; mend: remove the record from the zone, or the zone group from the endpoint"},
		{"pending", func(c *contoso) { c.models.Status = site.ConnectionPending }, ""},
		{"two endpoints", func(c *contoso) {
			c.PrivateEndpoints = append(c.PrivateEndpoints, endpoint("pe-2", c.spoke, "10.1.3.4", "contoso.openai.azure.com", c.openai))
		}, `50 warning endpoint-name-elsewhere: contoso.openai.azure.com leads to 10.1.3.4, which is no address of the endpoint pe-models; mend: let the record name 10.0.3.4
			50 warning endpoint-record-twice: the endpoints pe-models and pe-2 both write contoso.privatelink.openai.azure.com: the later counts, as in Azure; mend: give one of them no zone group`},
		{"a zone of another service", func(c *contoso) {
			vault := privateZone("privatelink.vaultcore.azure.net", c.hub)
			c.PrivateZones, c.models.Zones = append(c.PrivateZones, vault), append(c.models.Zones, vault)
		}, "50 warning endpoint-zone: none of the names of the endpoint pe-models has a place in its zone privatelink.vaultcore.azure.net; mend: a zone that its names lead to, or customDnsConfigs with the fqdn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newContoso()
			c.spoil(s)
			_, ps := Compile(s.Network, Options{Gateway: s.hub})
			var got []string
			for _, p := range ps {
				line := fmt.Sprintf("%d %s %s: %s", p.Line, p.Severity, p.Code, p.Message)
				if p.Mend != "" {
					line += "; mend: " + p.Mend
				}
				got = append(got, line)
			}
			var want []string
			for l := range strings.Lines(c.want) {
				want = append(want, strings.TrimSpace(l))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
