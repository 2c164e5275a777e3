package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Options are what the zones take from outside the documents. The zero value is
// a site whose gateway stands nowhere.
type Options struct {
	// Gateway is the network that the gateway stands in; nil: none.
	Gateway *site.VirtualNetwork
	// Hostnames are the gateway's own names, and Addresses where they lead.
	Hostnames []string
	Addresses []netip.Addr
	// Status is the state of an endpoint's connection now, one of the
	// site.Connection constants; nil: that of the document.
	Status func(*site.PrivateEndpoint) string
	// Public is what the public DNS says beyond the aliases of the endpoints,
	// and then all that it says: other names do not exist. Nil: nobody knows.
	// The lab plays the internet by it.
	Public []Record
}

// endpointTTL is the TTL of the records that Azure writes by itself, those of
// zone groups and of registration.
const endpointTTL = 10

// Compile makes the zones of a site. The problems say what is wrong with its
// documents; with an error among them the zones are still good to ask, so that
// everything wrong is found in one run.
func Compile(n *site.Network, opt Options) (*Zones, site.Problems) {
	if n == nil {
		n = &site.Network{}
	}
	if opt.Status == nil {
		opt.Status = func(e *site.PrivateEndpoint) string { return e.Status }
	}
	c := &compiler{
		network: n, opt: opt, made: map[*site.PrivateZone]*zone{}, wrote: map[*node]string{},
		zones: &Zones{
			views: map[*site.VirtualNetwork]*View{}, networks: map[netip.Prefix]*View{}, public: map[string]*node{},
			outer: &View{}, whole: opt.Public != nil,
		},
	}
	c.views()
	c.documents()
	c.links()
	c.endpoints()
	c.registrations()
	c.hostnames()
	c.publicNames()
	c.check()
	c.problems.Sort()
	return c.zones, c.problems
}

type compiler struct {
	network  *site.Network
	opt      Options
	zones    *Zones
	made     map[*site.PrivateZone]*zone
	wrote    map[*node]string // by which endpoint the addresses are
	problems site.Problems
}

func (c *compiler) views() {
	for _, n := range c.network.VirtualNetworks {
		c.zones.views[n] = &View{Network: n, zones: map[string]link{}}
	}
	c.zones.gateway = c.zones.views[c.opt.Gateway]
	for _, n := range c.network.VirtualNetworks {
		for _, p := range n.AddressSpace {
			c.zones.network(p, c.zones.views[n])
		}
	}
	// After all that the site describes itself.
	for _, n := range c.network.VirtualNetworks {
		for _, peering := range n.Peerings {
			if peering.Remote == nil && peering.Access {
				for _, p := range peering.AddressSpace {
					c.zones.network(p, c.zones.views[n])
				}
			}
		}
	}
}

// documents makes the zones with the records that stand in the documents.
func (c *compiler) documents() {
	for _, doc := range c.network.PrivateZones {
		z := newZone(doc.Name)
		c.made[doc] = z
		seen := map[string]bool{}
		for _, r := range doc.Records {
			if seen[r.Type+" "+r.Name] {
				c.problems.Add(r.Pos, "zone-record-twice", "", "put all records into one of them", "the zone %s has the record set %s of type %s twice", doc.Name, r.Name, r.Type)
				continue
			}
			seen[r.Type+" "+r.Name] = true
			if c.goodRecord(doc, r) {
				z.document(r)
			}
		}
		c.aloneAliases(doc, z)
	}
}

// document adds a record set.
func (z *zone) document(r *site.ZoneRecord) {
	name := join(r.Name, z.name)
	n := z.at(name)
	switch r.Type {
	case "A", "AAAA":
		n.addresses(name, r.TTL, r.Addresses)
	case "CNAME":
		n.cname = &Record{Name: name, Type: TypeCNAME, TTL: r.TTL, Target: r.Target}
	case "TXT":
		for _, t := range r.Texts {
			n.txt = append(n.txt, Record{Name: name, Type: TypeTXT, TTL: r.TTL, Texts: t})
		}
	}
}

func (n *node) addresses(name string, ttl uint32, list []netip.Addr) {
	for _, a := range list {
		if a = a.Unmap(); a.Is4() {
			n.a = append(n.a, Record{Name: name, Type: TypeA, TTL: ttl, Address: a})
		} else {
			n.aaaa = append(n.aaaa, Record{Name: name, Type: TypeAAAA, TTL: ttl, Address: a})
		}
	}
}

// links shows zones to networks.
func (c *compiler) links() {
	registers := map[*site.VirtualNetwork]*site.ZoneLink{}
	for _, doc := range c.network.PrivateZones {
		if len(doc.Links) == 0 {
			c.problems.Warn(doc.Pos, "zone-unlinked", "link it to the networks whose machines ask for its names",
				"the zone %s is linked to no network: nobody gets its answers", doc.Name)
		}
		for _, l := range doc.Links {
			v := c.zones.views[l.VirtualNetwork]
			if v == nil {
				continue // the loader reports a network that is not there
			}
			if other, twice := v.zones[doc.Name]; twice {
				message, mend := "the zone %s is linked to the network %s twice", "remove one of the links"
				if other.zone != c.made[doc] {
					message, mend = "two zones named %s are linked to the network %s", "move the records of one into the other"
				}
				c.problems.Add(l.Pos, "zone-link-twice", "one zone of a name for each network", mend, message, doc.Name, l.VirtualNetwork.Name)
				continue
			}
			if l.Fallback && !strings.HasPrefix(doc.Name, privatelink) {
				c.problems.Warn(l.Pos, "zone-fallback", "remove resolutionPolicy",
					"NxDomainRedirect counts for privatelink zones alone, and %s is none", doc.Name)
			}
			if was := registers[l.VirtualNetwork]; l.Registration && was != nil {
				c.problems.Add(l.Pos, "zone-registration-twice", "one zone that registers", "set registrationEnabled to false in one of them",
					"the network %s registers in two zones (also by the link %s)", l.VirtualNetwork.Name, was.Name)
			} else if l.Registration {
				registers[l.VirtualNetwork] = l
			}
			v.zones[doc.Name] = link{zone: c.made[doc], fallback: l.Fallback && strings.HasPrefix(doc.Name, privatelink)}
		}
	}
}

// endpoints write what zone groups write. Azure makes the records when a
// connection is approved, and takes them away with the endpoint: a connection
// that is rejected later, or whose service is gone, leaves the name on the
// endpoint's address, where nothing answers, instead of sending it outside.
func (c *compiler) endpoints() {
	for _, e := range c.network.PrivateEndpoints {
		if c.opt.Status(e) == site.ConnectionPending {
			continue
		}
		for _, doc := range e.Zones {
			z := c.made[doc]
			if z == nil {
				continue
			}
			for _, name := range e.Names {
				if rel, ok := relative(name, doc.Name); ok {
					c.endpoint(e, z, join(rel, doc.Name))
				}
			}
		}
	}
}

func (c *compiler) endpoint(e *site.PrivateEndpoint, z *zone, name string) {
	n := z.at(name)
	was := append(addressesOf(n.a), addressesOf(n.aaaa)...)
	other := c.wrote[n]
	c.wrote[n] = e.Name
	same := len(was) == len(e.Addresses) && !slices.ContainsFunc(was, func(a netip.Addr) bool { return !slices.Contains(e.Addresses, a) })
	switch {
	case len(was) == 0 && n.cname == nil:
	case same && n.cname == nil:
		return // an exported zone holds what the zone group wrote
	case other == e.Name:
		return // by the service's public and its private name
	case other != "":
		c.problems.Warn(e.Pos, "endpoint-record-twice", "give one of them no zone group",
			"the endpoints %s and %s both write %s: the later counts, as in Azure", other, e.Name, name)
	default:
		c.problems.Warn(e.Pos, "endpoint-record", "remove the record from the zone, or the zone group from the endpoint",
			"the zone has another record for %s than the address of the endpoint %s, which counts", name, e.Name)
	}
	n.a, n.aaaa, n.cname = nil, nil, nil
	n.addresses(name, endpointTTL, e.Addresses)
}

func addressesOf(records []Record) (list []netip.Addr) {
	for _, r := range records {
		list = append(list, r.Address)
	}
	return list
}

// registrations are the records of interfaces in networks that register. What a
// document says about the name stays.
func (c *compiler) registrations() {
	for _, doc := range c.network.PrivateZones {
		for _, l := range doc.Links {
			if !l.Registration {
				continue
			}
			for _, nic := range c.network.Interfaces {
				label := strings.ToLower(nic.Name)
				if nic.Subnet == nil || nic.Subnet.VirtualNetwork != l.VirtualNetwork || badName(label) != "" || strings.ContainsAny(label, ".*") {
					continue
				}
				if z, name := c.made[doc], join(label, doc.Name); z.nodes[name] == nil && badName(name) == "" {
					z.at(name).addresses(name, endpointTTL, nic.Addresses)
				}
			}
		}
	}
}

// hostnames publish the gateway itself: in the zone that holds the name, unless
// it says something about it already, else in a zone of exactly that name.
func (c *compiler) hostnames() {
	if len(c.opt.Addresses) == 0 {
		return
	}
	for _, h := range c.opt.Hostnames {
		h = normal(h)
		if _, err := netip.ParseAddr(h); err == nil || h == "localhost" || badName(h) != "" {
			continue // localhost is the asker itself (RFC 6761)
		}
		own := newZone(h)
		own.nodes[h].addresses(h, endpointTTL, c.opt.Addresses)
		for _, v := range c.zones.views {
			l := v.find(h)
			switch {
			case l.zone == nil:
				v.zones[h] = link{zone: own}
			case l.zone == own:
			default:
				if n := l.zone.at(h); n.cname == nil && len(n.a) == 0 && len(n.aaaa) == 0 {
					n.addresses(h, endpointTTL, c.opt.Addresses)
				}
			}
		}
	}
}

// publicNames are the aliases of the endpoints' names, whatever the state of
// their connection, and what the lab's internet says.
func (c *compiler) publicNames() {
	for _, e := range c.network.PrivateEndpoints {
		for _, name := range e.Names {
			if to := alias(name, e.Zones); to != "" {
				c.zones.public[name] = &node{cname: &Record{Name: name, Type: TypeCNAME, TTL: endpointTTL, Target: to}}
			}
		}
	}
	for _, r := range c.opt.Public {
		r.Name = normal(r.Name)
		n := c.zones.public[r.Name]
		if n == nil {
			n = &node{}
			c.zones.public[r.Name] = n
		}
		switch r.Type {
		case TypeA:
			n.a = append(n.a, r)
		case TypeAAAA:
			n.aaaa = append(n.aaaa, r)
		case TypeTXT:
			n.txt = append(n.txt, r)
		case TypeCNAME:
			r.Target = normal(r.Target)
			n.cname = &r
		}
	}
}
