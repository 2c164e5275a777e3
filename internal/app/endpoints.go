package app

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/network/dns"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// gatewayNetwork is the virtual network that the gateway of a site stands in; nil:
// it stands in none.
func gatewayNetwork(s *site.Site) *site.VirtualNetwork {
	name := s.Config.Network.Subnet
	if name == "" {
		return nil
	}
	subnet, err := s.Network.Subnet(name)
	if err != nil {
		return nil // reported by the site
	}
	return subnet.VirtualNetwork
}

// endpointsOf are the private endpoints of a site.
func endpointsOf(s *site.Site) (*endpoint.Set, site.Problems) {
	return endpoint.Compile(s.Network, gatewayNetwork(s))
}

// zonesFor are the private zones of a site as its dialer asks them. A name leads to
// an endpoint whatever the state of its connection: nothing is connected to before
// it is approved, and an approval needs no reload.
func zonesFor(s *site.Site) egress.Zones {
	zones, _ := dns.Compile(s.Network, dns.Options{ // the problems are reported where the site is compiled
		Gateway: gatewayNetwork(s), Status: func(*site.PrivateEndpoint) string { return site.ConnectionApproved },
	})
	return func(host string) ([]netip.Addr, string, bool) {
		f, known := zones.Lookup(host)
		return f.Addresses, f.Ask, known
	}
}

// endpointsFor is a view of them for a dialer.
func endpointsFor(s *site.Site, at surroundings) *endpoint.View {
	set, _ := endpointsOf(s) // the problems are reported where the site is compiled
	live := at.endpoints
	if live == nil {
		live = endpoint.NewLive()
	}
	return live.View(set)
}

func (b *built) addEndpoints(at surroundings) {
	_, problems := endpointsOf(b.site)
	b.add(problems)
	_, problems = dns.Compile(b.site.Network, dns.Options{Gateway: gatewayNetwork(b.site)})
	b.add(problems)
	b.endpoints = endpointsFor(b.site, at)
}

// decided takes what the store says about connections into force, and cuts what
// may not go on.
func (p *Process) decided(c store.Changes) {
	var list []endpoint.Decision
	for _, d := range c.Connections {
		list = append(list, endpoint.Decision{ID: d.ID, State: d.State, Description: d.Description})
	}
	for _, d := range c.Shut {
		list = append(list, endpoint.Decision{ID: d.ID}) // a rejection
	}
	if len(list) == 0 && !c.Whole {
		return
	}
	if n := p.endpoints.Decided(list, c.Whole); n > 0 {
		p.opt.Log.Info("connections cut: they went through private endpoints that are not approved any more", "connections", n)
	}
}

// connections are the private endpoints of a site with the states of their
// connections.
func (st *state) connections(ctx context.Context, s *site.Site) ([]admin.Connection, error) {
	c, err := st.store.Changes(ctx, 0)
	if err != nil {
		return nil, err
	}
	decided := map[string]store.Connection{}
	for _, d := range c.Connections {
		decided[d.ID] = d
	}
	for _, d := range c.Shut {
		decided[d.ID] = store.Connection{ID: d.ID, State: site.ConnectionRejected, Description: "the decision about it cannot be read"}
	}
	set, _ := endpointsOf(s)
	out := []admin.Connection{}
	for _, e := range set.All() {
		out = append(out, shownConnection(e, decided[e.ID]))
	}
	return out, nil
}

// shownConnection is an endpoint with what was decided about it; without a state:
// nothing.
func shownConnection(e *endpoint.Endpoint, d store.Connection) admin.Connection {
	out := admin.Connection{
		Name: e.Name, Service: e.Service, GroupIDs: slices.Clone(e.GroupIDs), Hosts: slices.Clone(e.Names), Addresses: slices.Clone(e.Addresses),
		State: e.Status, Description: e.Description, Source: "site",
	}
	if e.Subnet != nil {
		out.Subnet = e.Subnet.ID()
	}
	if d.State != "" {
		out.State, out.Description, out.Source = d.State, d.Description, "state"
		out.By, out.Decided = d.By, d.UpdatedAt
	}
	return out
}

// decide carries out an operator's decision about a connection.
func (st *state) decide(ctx context.Context, s *site.Site, in admin.Decision) (before, after admin.Connection, err error) {
	set, _ := endpointsOf(s)
	e := set.Find(in.Name)
	if e == nil {
		return before, after, unknownEndpoint(set, in.Name)
	}
	stored, err := st.store.UpdateConnection(ctx, e.ID, func(c *store.Connection, damaged bool) error {
		if damaged {
			c.State = site.ConnectionRejected
		}
		before = shownConnection(e, *c)
		next, err := endpoint.After(before.State, endpoint.Act(in.Act))
		if err != nil {
			return notAllowed(err)
		}
		c.State, c.Description, c.By = next, in.Description, in.Actor
		return nil
	})
	return before, shownConnection(e, stored), err
}

func unknownEndpoint(set *endpoint.Set, name string) error {
	var known []string
	for _, e := range set.All() {
		known = append(known, e.Name)
	}
	mend := "see: cloister network connections list"
	if near := site.Nearest(name, known); near != "" {
		mend = "write " + near
	}
	return &admin.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("the site has no private endpoint %q", name), Mend: mend}
}

// notAllowed is the answer to an act that the state does not allow.
func notAllowed(err error) error {
	e := &admin.Error{Status: http.StatusConflict, Message: err.Error(), Err: err}
	if bad, ok := err.(*endpoint.StateError); ok {
		e.Mend = bad.Mend()
	}
	return e
}

// ReportEndpoint is a private endpoint as "check" shows it.
type ReportEndpoint struct {
	Name string `json:"name"`
	// Hosts are those that are reached by it.
	Hosts     []string     `json:"hosts"`
	Addresses []netip.Addr `json:"addresses"`
	// Subnet is NETWORK/NAME.
	Subnet string `json:"subnet"`
	// State is what the document says. What operators have decided lies in the
	// state directory, which is not opened.
	State string `json:"state"`
	// UsedBy says who goes through it; empty: nobody.
	UsedBy []string `json:"usedBy"`
}

func (b *built) reportEndpoints() []ReportEndpoint {
	var out []ReportEndpoint
	for _, e := range b.endpoints.Set().All() {
		r := ReportEndpoint{Name: e.Name, Hosts: []string{}, Addresses: e.Addresses, State: e.Status, UsedBy: []string{}}
		if e.Subnet != nil {
			r.Subnet = e.Subnet.ID()
		}
		for _, v := range b.usesOf(e) {
			if !slices.Contains(r.Hosts, v.Host) {
				r.Hosts = append(r.Hosts, v.Host)
			}
			if !slices.Contains(r.UsedBy, v.Why) {
				r.UsedBy = append(r.UsedBy, v.Why)
			}
		}
		if len(r.Hosts) == 0 {
			r.Hosts = slices.Clone(e.Names)
		}
		out = append(out, r)
	}
	return out
}

// usesOf are the destinations that an endpoint leads to.
func (b *built) usesOf(e *endpoint.Endpoint) (out []egress.View) {
	for _, v := range b.dialer.Destinations() {
		if b.dialer.EndpointOf(v.Host) == e || slices.ContainsFunc(v.Addresses, e.Has) {
			out = append(out, v)
		}
	}
	return out
}

// warnEndpoints finds hosts of Azure that nothing private leads to while the site
// describes its network, and endpoints that nobody goes through.
func (b *built) warnEndpoints() {
	n := b.site.Network
	if len(n.VirtualNetworks) == 0 && len(n.PrivateEndpoints) == 0 {
		return
	}
	for _, v := range b.dialer.Destinations() {
		if v.Class != egress.Model || v.Endpoint != "" {
			continue
		}
		for _, s := range site.ServiceSuffixes() {
			if strings.HasSuffix(v.Host, "."+s.Suffix) || strings.HasSuffix(v.Host, "."+s.Zone) {
				b.problems.Warn(v.Pos, "endpoint-missing", "add its Microsoft.Network/privateEndpoints to network/",
					"%s is a host of Azure (%s), and network/ has no private endpoint for it: any private address is taken for it", v.Host, s.Suffix)
				break
			}
		}
	}
	for _, e := range b.endpoints.Set().All() {
		if len(b.usesOf(e)) == 0 {
			b.problems.Warn(e.Pos, "endpoint-unused", "list "+first(e.Names, "its host")+" under destinations, or remove the endpoint",
				"nothing goes through the private endpoint %q", e.Name)
		}
	}
}

func first(list []string, or string) string {
	if len(list) == 0 {
		return or
	}
	return list[0]
}
