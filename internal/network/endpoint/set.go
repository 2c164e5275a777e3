package endpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Endpoint is a private endpoint of a site.
type Endpoint struct {
	*site.PrivateEndpoint
	// ID is what decisions are about: the name, and a digest of service,
	// sub-resources and addresses.
	ID string
	// Hosts are all names by which its service is called, those in the privatelink
	// zones included, in lower case.
	Hosts []string
	// Label names it in records, with its addresses: "openai 10.1.3.4".
	Label string
}

// Set is the endpoints of one site. It is immutable.
type Set struct {
	all    []*Endpoint
	byHost map[string]*Endpoint
	byAddr map[netip.Addr]*Endpoint
}

// Compile makes the set. Gateway is the virtual network that the gateway stands
// in; nil: none. With errors among the problems the set holds what is clear.
func Compile(n *site.Network, gateway *site.VirtualNetwork) (*Set, site.Problems) {
	s := &Set{byHost: map[string]*Endpoint{}, byAddr: map[netip.Addr]*Endpoint{}}
	var problems site.Problems
	if n == nil {
		return s, problems
	}
	for _, doc := range n.PrivateEndpoints {
		e := newEndpoint(doc)
		s.all = append(s.all, e)
		e.check(&problems)
		for _, a := range e.Addresses {
			if s.byAddr[a.Unmap()] == nil { // the site reports an address that two have
				s.byAddr[a.Unmap()] = e
			}
		}
	}
	s.choose(gateway, &problems)
	return s, problems
}

func newEndpoint(doc *site.PrivateEndpoint) *Endpoint {
	e := &Endpoint{PrivateEndpoint: doc}
	var addrs []string
	for _, a := range doc.Addresses {
		addrs = append(addrs, a.Unmap().String())
	}
	e.Label = strings.Join(append([]string{doc.Name}, addrs...), " ")
	slices.Sort(addrs)
	var groups []string
	for _, g := range doc.GroupIDs {
		groups = append(groups, strings.ToLower(g))
	}
	slices.Sort(groups)
	sum := sha256.New()
	for _, part := range [][]string{{doc.Name, doc.Service}, groups, addrs} {
		for _, p := range part {
			sum.Write([]byte(strings.ToLower(p) + "\x00"))
		}
		sum.Write([]byte{0})
	}
	e.ID = strings.ToLower(doc.Name) + "/" + hex.EncodeToString(sum.Sum(nil)[:16])
	e.Hosts = hostsOf(doc)
	return e
}

// hostsOf are the names of a service and, for each that lies in a zone of
// Azure's, the one that the public DNS makes of it or that leads to it: an
// application may be given either.
func hostsOf(doc *site.PrivateEndpoint) []string {
	hosts := slices.Clone(doc.Names)
	add := func(h string) {
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	for _, name := range doc.Names {
		for _, s := range site.ServiceSuffixes() {
			if label, ok := strings.CutSuffix(name, "."+s.Suffix); ok && label != "" && !strings.HasSuffix(label, "privatelink") {
				add(label + "." + s.Zone)
			}
			if label, ok := strings.CutSuffix(name, "."+s.Zone); ok && label != "" {
				add(label + "." + s.Suffix)
			}
		}
		for _, z := range doc.Zones {
			public, ok := strings.CutPrefix(z.Name, "privatelink.")
			if label, within := strings.CutSuffix(name, "."+public); ok && within && label != "" && !strings.HasSuffix(name, "."+z.Name) {
				add(label + "." + z.Name)
			}
		}
	}
	return hosts
}

// groupIDs are the sub-resources of the service types that are known by more than
// one (Microsoft Learn, "Private-link resource").
func groupIDs(serviceType string) []string {
	if strings.EqualFold(serviceType, "Microsoft.Storage/storageAccounts") {
		var all []string
		for _, g := range []string{"blob", "table", "queue", "file", "web", "dfs"} {
			all = append(all, g, g+"_secondary")
		}
		return all
	}
	var out []string
	for _, s := range site.ServiceSuffixes() {
		if strings.EqualFold(s.Type, serviceType) && !slices.Contains(out, s.Group) {
			out = append(out, s.Group)
		}
	}
	return out
}

// check looks at one endpoint.
func (e *Endpoint) check(problems *site.Problems) {
	if known := groupIDs(e.ServiceType); len(known) > 0 {
		for _, g := range e.GroupIDs {
			if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, g) }) {
				continue
			}
			mend := ""
			if near := site.Nearest(g, known); near != "" {
				mend = "write " + near
			}
			problems.Add(e.Pos, "endpoint-group", strings.Join(known, " or "), mend, "the service type %s of the endpoint %q has no sub-resource %q", e.ServiceType, e.Name, g)
		}
	}
	if e.Subnet == nil {
		return // reported by the site
	}
	for _, a := range e.Addresses {
		if !e.Subnet.Contains(a) {
			problems.Add(e.Pos, "endpoint-outside", "an address of "+e.Subnet.ID(), "", "the endpoint %q has the address %s, outside its subnet", e.Name, a)
		}
	}
}

// choose says by which endpoint each host is reached: one in the gateway's own
// network before any other.
func (s *Set) choose(gateway *site.VirtualNetwork, problems *site.Problems) {
	by := map[string][]*Endpoint{}
	var hosts []string
	for _, e := range s.all {
		for _, h := range e.Hosts {
			if by[h] == nil {
				hosts = append(hosts, h)
			}
			by[h] = append(by[h], e)
		}
	}
	reported := map[[2]*Endpoint]bool{}
	for _, h := range hosts {
		list := by[h]
		own := slices.DeleteFunc(slices.Clone(list), func(e *Endpoint) bool {
			return e.Subnet == nil || gateway == nil || e.Subnet.VirtualNetwork != gateway
		})
		if len(own) > 0 {
			list = own
		}
		s.byHost[h] = list[0]
		if len(list) == 1 || reported[[2]*Endpoint{list[0], list[1]}] {
			continue
		}
		reported[[2]*Endpoint{list[0], list[1]}] = true
		problems.Add(list[1].Pos, "endpoint-twice", "one endpoint for a host in the gateway's network",
			"remove one of them, or say with network.subnet in which of their networks the gateway stands",
			"%s has two endpoints, %s and %s", h, strconv.Quote(list[0].Name), strconv.Quote(list[1].Name))
	}
}

// All are the endpoints in the order of the documents.
func (s *Set) All() []*Endpoint { return s.all }

// Find is the endpoint of that name, compared without case; nil: there is none.
func (s *Set) Find(name string) *Endpoint {
	for _, e := range s.all {
		if strings.EqualFold(e.Name, name) {
			return e
		}
	}
	return nil
}

// Host is the endpoint by which a host is reached; nil: it has none.
func (s *Set) Host(host string) *Endpoint { return s.byHost[host] }

// Addr is the endpoint that has an address; nil: none has.
func (s *Set) Addr(a netip.Addr) *Endpoint { return s.byAddr[a.Unmap()] }

// Own are the endpoint's addresses, for messages.
func (e *Endpoint) Own() string { return strings.TrimPrefix(e.Label[len(e.Name):], " ") }

// Has reports whether an address is one of the endpoint's own and lies in its
// subnet.
func (e *Endpoint) Has(a netip.Addr) bool {
	return slices.ContainsFunc(e.Addresses, func(own netip.Addr) bool { return own.Unmap() == a.Unmap() }) &&
		e.Subnet != nil && e.Subnet.Contains(a)
}
