package nsg

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// HostAddress is the address of Azure's host, where DNS is, and from which load
// balancers probe. MetadataAddress is that of instance metadata.
func HostAddress() netip.Addr { return netip.AddrFrom4([4]byte{168, 63, 129, 16}) }

// MetadataAddress is described at [HostAddress].
func MetadataAddress() netip.Addr { return netip.AddrFrom4([4]byte{169, 254, 169, 254}) }

// The tags that depend on the network or are the platform's own.
const (
	tagVirtualNetwork = "VirtualNetwork"
	tagInternet       = "Internet"
	tagLoadBalancer   = "AzureLoadBalancer"
	tagDNS            = "AzurePlatformDNS"
	tagMetadata       = "AzurePlatformIMDS"
	tagLicences       = "AzurePlatformLKM"
)

func networkTags() []string {
	return []string{tagVirtualNetwork, tagInternet, tagLoadBalancer, tagDNS, tagMetadata, tagLicences}
}

// platformTag is the addresses of a tag of the platform, by lower-case name. The
// hosts of licences are those that Microsoft publishes for azkms.core.windows.net.
func platformTag(lower string) []netip.Addr {
	switch lower {
	case "azureplatformdns":
		return []netip.Addr{HostAddress()}
	case "azureplatformimds":
		return []netip.Addr{MetadataAddress()}
	case "azureplatformlkm":
		return []netip.Addr{netip.AddrFrom4([4]byte{20, 118, 99, 224}), netip.AddrFrom4([4]byte{40, 83, 235, 53}), netip.AddrFrom4([4]byte{23, 102, 135, 246})}
	}
	return nil
}

// unreachable is what the public Internet does not reach, so that the tag
// Internet does not hold it: Azure's effective rules leave private space out.
func unreachable() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.168.0.0/16", "168.63.129.16/32", "224.0.0.0/3",
		"::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// tags resolves the tags of rules for one virtual network.
type tags struct {
	service map[string]*site.ServiceTag
	own     map[string]*netipx.IPSet // by lower-case name
}

// tagsOf prepares the tags of a virtual network. VirtualNetwork is its address
// space, that of its peerings with access, and the host's address, as Azure's
// effective rules show it; on-premises space and routes are not known here.
func tagsOf(n *site.Network, vn *site.VirtualNetwork) *tags {
	var b netipx.IPSetBuilder
	for _, p := range vn.AddressSpace {
		b.AddPrefix(p)
	}
	for _, peer := range vn.Peerings {
		if !peer.Access {
			continue
		}
		for _, p := range peer.AddressSpace {
			b.AddPrefix(p)
		}
		if peer.Remote != nil {
			for _, p := range peer.Remote.AddressSpace {
				b.AddPrefix(p)
			}
		}
	}
	b.Add(HostAddress())
	here := setOf(&b)
	b.AddPrefix(netip.MustParsePrefix("0.0.0.0/0"))
	b.AddPrefix(netip.MustParsePrefix("::/0"))
	b.RemoveSet(here)
	for _, p := range unreachable() {
		b.RemovePrefix(p)
	}
	t := &tags{service: n.ServiceTags, own: map[string]*netipx.IPSet{
		strings.ToLower(tagVirtualNetwork): here,
		strings.ToLower(tagInternet):       setOf(&b),
		strings.ToLower(tagLoadBalancer):   setOfAddresses(HostAddress()),
	}}
	for _, name := range []string{tagDNS, tagMetadata, tagLicences} {
		lower := strings.ToLower(name)
		t.own[lower] = setOfAddresses(platformTag(lower)...)
	}
	return t
}

// find is the addresses of a tag; nil for one that nobody knows.
func (t *tags) find(name string) *netipx.IPSet {
	lower := strings.ToLower(name)
	if s := t.own[lower]; s != nil {
		return s
	}
	tag := t.service[lower]
	if tag == nil {
		return nil
	}
	var b netipx.IPSetBuilder
	for _, p := range tag.Prefixes {
		b.AddPrefix(p)
	}
	s := setOf(&b)
	t.own[lower] = s
	return s
}

// tagNames are all names that a rule could mean.
func tagNames(n *site.Network) []string {
	out := networkTags()
	for _, key := range slices.Sorted(maps.Keys(n.ServiceTags)) {
		out = append(out, n.ServiceTags[key].Name)
	}
	return out
}

// setOf is what a builder holds. That prefixes are valid was checked before.
func setOf(b *netipx.IPSetBuilder) *netipx.IPSet {
	s, _ := b.IPSet()
	return s
}

func setOfAddresses(list ...netip.Addr) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, a := range list {
		b.Add(a)
	}
	return setOf(&b)
}
