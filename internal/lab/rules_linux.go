package lab

import (
	"context"
	"fmt"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nft"
	"github.com/cloister-ai/cloister/internal/site"
)

// ruleGroup is the group of NFLOG in which the site's rules tell what they
// decided.
const ruleGroup = 77

// install puts the site's rules between the hosts, and begins to listen to what
// they decide.
func (n *inner) install() error {
	rules, problems := nsg.Compile(n.site.Network)
	if err := problems.Err(); err != nil {
		return err
	}
	var devices []nft.Device
	for _, h := range n.plan.Hosts {
		if h.Inside() {
			devices = append(devices, nft.Device{Name: h.Device, Point: pointOf(rules, n.site.Network, h)})
		}
	}
	set, err := nft.Install(rules, devices, nft.Options{Group: ruleGroup})
	if err != nil {
		return fmt.Errorf("the site's rules: %w", err)
	}
	// For as long as the process lives.
	if err := nft.Watch(context.Background(), ruleGroup, func(e nft.Event) {
		if e.Entry < 0 || e.Entry >= len(set.Entries) {
			return
		}
		d := set.Entries[e.Entry]
		n.flows.add(flowOf(e.Packet, d.Rule.ID(), d.Rule.Allow, d.Inbound))
	}); err != nil {
		return err
	}
	return nft.Watch(context.Background(), spoofGroup, func(e nft.Event) {
		n.flows.add(flowOf(e.Packet, SpoofRule, false, false))
	})
}

func flowOf(p nsg.Packet, rule string, allow, inbound bool) Flow {
	return Flow{
		Rule: rule, Allow: allow, Inbound: inbound, Protocol: p.Protocol.String(),
		From: addrPort(p.Source, p.SourcePort), To: addrPort(p.Destination, p.DestinationPort),
	}
}

// pointOf is where a host hangs. A private endpoint without an address in its
// document has got one, so it is not found by address.
func pointOf(rules *nsg.Rules, n *site.Network, h *Host) *nsg.Point {
	for _, e := range n.PrivateEndpoints {
		if h.Kind == Endpoint && e.Name == h.Name {
			return rules.Endpoint(e)
		}
	}
	for _, i := range n.Interfaces {
		if i.Name == h.Interface {
			return rules.Interface(i)
		}
	}
	for _, v := range n.VirtualNetworks {
		for _, s := range v.Subnets {
			if s.ID() == h.Subnet {
				return rules.Subnet(s)
			}
		}
	}
	return nil
}
