package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Azure's bounds on a record set.
const (
	maxRecords = 20
	maxText    = 1024
)

// goodRecord judges a record set by itself.
func (c *compiler) goodRecord(doc *site.PrivateZone, r *site.ZoneRecord) bool {
	bad := func(code, expected, mend, format string, args ...any) bool {
		c.problems.Add(r.Pos, code, expected, mend, format, args...)
		return false
	}
	if full, ok := strings.CutSuffix(r.Name, "."); ok {
		if within(full, doc.Name) {
			rel := "@"
			if full != doc.Name {
				rel = strings.TrimSuffix(full, "."+doc.Name)
			}
			return bad("zone-record-name", "a name relative to "+doc.Name, "write "+rel, "the record %s is named in full", r.Name)
		}
		return bad("zone-record-outside", "a name within "+doc.Name, "move it to its own zone", "the record %s lies outside its zone", r.Name)
	}
	name := join(r.Name, doc.Name)
	if why := badName(name); why != "" {
		return bad("zone-record-name", `a name relative to the zone, "@" or "*"`, "", "the record %q of %s: %s", r.Name, doc.Name, why)
	}
	if within(r.Name, doc.Name) {
		c.problems.Warn(r.Pos, "zone-record-name", "write "+strings.TrimSuffix(strings.TrimSuffix(r.Name, doc.Name), ".")+" for "+r.Name,
			"the record %s answers for %s: names are relative to the zone", r.Name, name)
	} else if rel, ok := relative(r.Name, doc.Name); ok && strings.HasPrefix(doc.Name, privatelink) {
		c.problems.Warn(r.Pos, "zone-record-outside", "write "+rel, "the record %s answers for %s: names are relative to the zone", r.Name, name)
	}
	switch {
	case r.Type == "CNAME" && r.Name == "@":
		return bad("zone-cname-apex", "A or AAAA", "", "the zone %s cannot be an alias itself", doc.Name)
	case r.Type == "CNAME" && badName(r.Target) != "":
		return bad("zone-cname-target", "a DNS name", "", "the target %q of %s: %s", r.Target, name, badName(r.Target))
	case len(r.Addresses) > maxRecords, len(r.Texts) > maxRecords:
		return bad("zone-record-many", "at most 20 records", "", "the record set %s of type %s has more than Azure allows", name, r.Type)
	}
	for _, t := range r.Texts {
		whole := 0
		for _, s := range t {
			if whole += len(s); len(s) > 255 {
				return bad("zone-record-text", "strings of at most 255 bytes", "split it", "a text of %s is too long", name)
			}
		}
		if whole > maxText {
			return bad("zone-record-text", "at most 1024 bytes in one record", "", "a text of %s is too long", name)
		}
	}
	return true
}

// aloneAliases finds aliases that do not stand alone (RFC 1034, section 3.6.2).
func (c *compiler) aloneAliases(doc *site.PrivateZone, z *zone) {
	for _, r := range doc.Records {
		if r.Type != "CNAME" {
			continue
		}
		n := z.nodes[join(r.Name, doc.Name)]
		if n != nil && n.cname != nil && len(n.a)+len(n.aaaa)+len(n.txt) > 0 {
			c.problems.Add(r.Pos, "zone-cname-beside", "the CNAME alone, or the other records alone", "remove one kind",
				"%s is an alias and has other records", join(r.Name, doc.Name))
		}
	}
}

// check looks at what only the whole shows.
func (c *compiler) check() {
	for _, doc := range c.network.PrivateZones {
		c.spelling(doc)
	}
	c.chains()
	for _, e := range c.network.PrivateEndpoints {
		c.reachable(e)
	}
}

// spelling finds zones that are meant to be one of Azure's.
func (c *compiler) spelling(doc *site.PrivateZone) {
	first, _, _ := strings.Cut(doc.Name, ".")
	known := knownZones()
	if site.Nearest(first, []string{"privatelink"}) == "" || slices.ContainsFunc(known, func(k string) bool { return within(doc.Name, k) }) {
		return
	}
	if near := meant(doc.Name, known); near != "" {
		c.problems.Warn(doc.Pos, "zone-misspelt", "write "+near, "%s is no zone of Azure's private endpoints: their names will not be found in it", doc.Name)
	}
}

// meant is the known zone that a name is most likely a slip of: one of the same
// service with another ending, else one that differs by letters in its labels.
// A service that is not known is no slip of another.
func meant(name string, known []string) string {
	labels := strings.Split(name, ".")
	var same []string
	for _, k := range known {
		if l := strings.Split(k, "."); len(labels) > 1 && l[1] == labels[1] && labels[1] != "azure" {
			same = append(same, k)
		}
	}
	if near := site.Nearest(name, same); near != "" {
		return near
	}
	near := site.Nearest(name, known)
	if near == "" || !slices.EqualFunc(labels, strings.Split(near, "."), func(a, b string) bool { return site.Nearest(a, []string{b}) != "" }) {
		return ""
	}
	return near
}

// chains follows every alias in every network that sees it. One report for each
// is enough.
func (c *compiler) chains() {
	reported := map[*site.ZoneRecord]bool{}
	for _, n := range c.network.VirtualNetworks {
		v := c.zones.views[n]
		for _, doc := range c.network.PrivateZones {
			if v.zones[doc.Name].zone != c.made[doc] {
				continue
			}
			for _, r := range doc.Records {
				if r.Type != "CNAME" || reported[r] || r.Name == "*" || strings.HasPrefix(r.Name, "*.") {
					continue
				}
				name := join(r.Name, doc.Name)
				if a := c.zones.Answer(Question{name, TypeA}, v); a.Code == ServFail {
					reported[r] = true
					c.problems.Add(r.Pos, "zone-cname-loop", "an alias that leads to a record", "let it lead to the last name itself",
						"the alias %s leads in a circle or through more than %d names", name, maxChain)
				}
			}
		}
	}
}

// reachable asks for the names of an endpoint as the gateway does. A name that
// the zones do not lead to the endpoint is asked for outside, where the public
// address is: the classic trap.
func (c *compiler) reachable(e *site.PrivateEndpoint) {
	if c.zones.gateway == nil || c.opt.Status(e) == site.ConnectionPending {
		return
	}
	network := c.zones.gateway.Network
	for _, doc := range e.Zones {
		if c.zones.gateway.zones[doc.Name].zone != c.made[doc] {
			c.problems.Warn(e.Pos, "endpoint-zone-unlinked", "link "+doc.Name+" to "+network.Name,
				"the zone %s of the endpoint %s is not linked to the gateway's network %s: its names lead outside", doc.Name, e.Name, network.Name)
			return
		}
		if !slices.ContainsFunc(e.Names, func(n string) bool { _, ok := relative(n, doc.Name); return ok }) {
			c.problems.Warn(e.Pos, "endpoint-zone", "a zone that its names lead to, or customDnsConfigs with the fqdn",
				"none of the names of the endpoint %s has a place in its zone %s", e.Name, doc.Name)
		}
	}
	for _, name := range e.Names {
		f, handled := c.zones.Lookup(name)
		switch {
		case !handled || f.Ask != "":
			// An endpoint may have more names than it is called by (an account of
			// Azure OpenAI has three); only one that leads nowhere private at all
			// is a trap for certain.
			if !c.someName(e) {
				c.problems.Warn(e.Pos, "endpoint-name-outside", "add a privateDnsZoneGroups, or the record to a zone that is linked to "+network.Name,
					"no private zone leads %s to the endpoint %s: in Azure the name is public here", name, e.Name)
				return
			}
		case len(f.Addresses) == 0:
			c.problems.Warn(e.Pos, "endpoint-name-missing", "add the record "+name+" → "+first(e.Addresses)+", or a privateDnsZoneGroups",
				"the zone %s has no record for %s: the name does not exist", f.Zone, name)
		case slices.ContainsFunc(f.Addresses, func(a netip.Addr) bool { return !slices.Contains(e.Addresses, a) }):
			c.problems.Warn(e.Pos, "endpoint-name-elsewhere", "let the record name "+first(e.Addresses),
				"%s leads to %s, which is no address of the endpoint %s", name, first(f.Addresses), e.Name)
		}
	}
}

// someName reports whether some name of the endpoint leads to it.
func (c *compiler) someName(e *site.PrivateEndpoint) bool {
	return slices.ContainsFunc(e.Names, func(n string) bool {
		f, _ := c.zones.Lookup(n)
		return len(f.Addresses) > 0
	})
}

func first(list []netip.Addr) string {
	if len(list) == 0 {
		return "its address"
	}
	return list[0].String()
}
