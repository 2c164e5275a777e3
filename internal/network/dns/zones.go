package dns

import (
	"net/netip"
	"slices"

	"github.com/cloister-ai/cloister/internal/site"
)

// Zones are the private zones of one site, by virtual network. They are
// immutable and safe for concurrent use.
type Zones struct {
	views map[*site.VirtualNetwork]*View
	// gateway is the view of the network that the gateway stands in.
	gateway *View
	outer   *View
	// networks finds who asks: the longest prefix counts.
	networks map[netip.Prefix]*View
	bits4    []int // descending
	bits6    []int
	// public is what the public DNS says, as far as the site knows; whole: that
	// is all there is.
	public map[string]*node
	whole  bool
}

// View is what the askers of one virtual network see.
type View struct {
	// Network is nil for askers outside.
	Network *site.VirtualNetwork
	zones   map[string]link
}

// link is a zone as one network sees it.
type link struct {
	zone     *zone
	fallback bool
}

// zone is one private zone.
type zone struct {
	name  string
	nodes map[string]*node // by full name; the zone's own is among them
}

// View is that of a virtual network; nil for one that the site does not have.
func (z *Zones) View(n *site.VirtualNetwork) *View { return z.views[n] }

// Gateway is the view of the network that the gateway stands in; nil: it stands
// in none.
func (z *Zones) Gateway() *View { return z.gateway }

// Outside is the view of who stands in no network: no zone, and what the site
// knows of the public DNS. The [Server] shows it to nobody unless told to.
func (z *Zones) Outside() *View { return z.outer }

// ViewOf is the view of who asks from an address; nil: it stands in no network
// of the site. Loopback is the gateway's own machine. A network that is peered
// with one of the site's, and that the site does not describe, sees what that
// one sees, as through a resolver that stands in it.
func (z *Zones) ViewOf(a netip.Addr) *View {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() {
		return z.gateway
	}
	bits := z.bits6
	if a.Is4() {
		bits = z.bits4
	}
	for _, b := range bits {
		p, err := a.Prefix(b)
		if err != nil {
			return nil
		}
		if v := z.networks[p]; v != nil {
			return v
		}
	}
	return nil
}

// find is the longest zone of the view that holds a name.
func (v *View) find(name string) link {
	if len(v.zones) == 0 {
		return link{}
	}
	for at, ok := name, true; ok; at, ok = parent(at) {
		if l, found := v.zones[at]; found {
			return l
		}
	}
	return link{}
}

// knows reports whether a name is the site's in a view, so that nobody outside has
// a say about it.
func (z *Zones) knows(v *View, name string) bool {
	return v.find(name).zone != nil || z.public[name] != nil
}

// lookup is the node of a name within the zone; nil: the name does not exist.
// Wild: the node is the wildcard of the closest name that exists (RFC 4592).
func (z *zone) lookup(name string) (n *node, wild bool) {
	if n := z.nodes[name]; n != nil {
		return n, false
	}
	for at, ok := parent(name); ok; at, ok = parent(at) {
		if n := z.nodes[at]; n != nil {
			return n.wildcard, true
		}
	}
	return nil, false
}

// The SOA and NS of every private zone in Azure. Source: the SOA record of any
// exported Microsoft.Network/privateDnsZones.
const (
	soaTTL     = 3600
	soaMaster  = "azureprivatedns.net"
	soaMailbox = "azureprivatedns-host.microsoft.com"
	soaSerial  = 1
	soaRefresh = 3600
	soaRetry   = 300
	soaExpire  = 2419200
	soaMinimum = 10
)

func newZone(name string) *zone {
	z := &zone{name: name, nodes: map[string]*node{}}
	z.nodes[name] = &node{apex: []Record{
		{Name: name, Type: TypeSOA, TTL: soaTTL},
		{Name: name, Type: TypeNS, TTL: soaTTL, Target: soaMaster},
	}}
	return z
}

// at is the node of a full name within the zone, made with all names between
// it and the zone's own.
func (z *zone) at(name string) *node {
	if n := z.nodes[name]; n != nil {
		return n
	}
	n := &node{}
	z.nodes[name] = n
	up, _ := parent(name)
	above := z.at(up)
	if name[0] == '*' && len(name) > 1 && name[1] == '.' {
		above.wildcard = n
	}
	return n
}

// network remembers who stands where.
func (z *Zones) network(p netip.Prefix, v *View) {
	p = p.Masked()
	if !p.IsValid() || z.networks[p] != nil {
		return
	}
	z.networks[p] = v
	bits := &z.bits6
	if p.Addr().Is4() {
		bits = &z.bits4
	}
	if !slices.Contains(*bits, p.Bits()) {
		*bits = append(*bits, p.Bits())
		slices.SortFunc(*bits, func(a, b int) int { return b - a })
	}
}
