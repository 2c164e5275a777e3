package nsg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// Rule is a security rule with its tags and application security groups
// resolved for one virtual network. It is not to be changed.
type Rule struct {
	// Group is the name of the security group; empty for the rules that a subnet
	// has without one, and at the platform level.
	Group string
	Name  string
	// Priority is 100 to 4096, above for default rules, and 0 at the platform
	// level.
	Priority int
	Inbound  bool
	Allow    bool
	// Default: every group has the rule.
	Default bool
	// Pos is where the rule stands; of a default rule where its group does.
	Pos site.Pos

	// Any is the protocol "*"; else Protocol counts.
	Any      bool
	Protocol Protocol
	// Source and Destination are nil for any address.
	Source, Destination *netipx.IPSet
	// SourcePorts and DestinationPorts are merged and ascending; nil: all.
	SourcePorts, DestinationPorts []site.PortRange

	// platform are the platform's addresses that the destination names by a tag;
	// nil for none.
	platform *netipx.IPSet
	// written is the rule as the site has it; nil for default rules.
	written *site.SecurityRule
	// sides are the sides of a default rule, as they are written.
	sides [2]string
}

// Full is the rule's name in Azure's logs: UserRule_NAME or DefaultRule_NAME.
func (r *Rule) Full() string {
	if r.Default {
		return "DefaultRule_" + r.Name
	}
	return "UserRule_" + r.Name
}

// Access is "Allow" or "Deny".
func (r *Rule) Access() string {
	if r.Allow {
		return "Allow"
	}
	return "Deny"
}

// ID names the rule for people: GROUP/NAME, or NAME alone where there is no
// group.
func (r *Rule) ID() string {
	if r.Group == "" {
		return r.Name
	}
	return r.Group + "/" + r.Name
}

// Protocols is the protocol as it is written: "*", "tcp" …
func (r *Rule) Protocols() string {
	if r.Any {
		return "*"
	}
	return r.Protocol.String()
}

// SourceText and DestinationText are the sides as they are written, with tags
// and groups by name.
func (r *Rule) SourceText() string { return r.sideText(0) }

// DestinationText is described at [Rule.SourceText].
func (r *Rule) DestinationText() string { return r.sideText(1) }

func (r *Rule) sideText(i int) string {
	if r.written == nil {
		return r.sides[i]
	}
	side := &r.written.Source
	if i == 1 {
		side = &r.written.Destination
	}
	if side.Any {
		return "*"
	}
	var parts []string
	for _, t := range side.Tags {
		parts = append(parts, t.Name)
	}
	for _, g := range side.Groups {
		parts = append(parts, g.Name)
	}
	for _, p := range side.Prefixes {
		if p.IsSingleIP() {
			parts = append(parts, p.Addr().String())
			continue
		}
		parts = append(parts, p.String())
	}
	const most = 8
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ",")
}

// PortsText is a list of ranges as rules have it; "*" for all.
func PortsText(list []site.PortRange) string {
	if list == nil {
		return "*"
	}
	var b strings.Builder
	for i, r := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.First)))
		if r.Last != r.First {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(r.Last)))
		}
	}
	return b.String()
}

// mergePorts sorts and joins ranges; nil where they are all ports. A range that
// is empty, or all of a list that is, has no port.
func mergePorts(list []site.PortRange) []site.PortRange {
	sorted := make([]site.PortRange, 0, len(list))
	for _, r := range list {
		if r.First <= r.Last {
			sorted = append(sorted, r)
		}
	}
	slices.SortFunc(sorted, func(a, b site.PortRange) int { return int(a.First) - int(b.First) })
	out := make([]site.PortRange, 0, len(sorted))
	for _, r := range sorted {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	if len(out) == 1 && out[0].First == 0 && out[0].Last == 65535 {
		return nil
	}
	return out
}
