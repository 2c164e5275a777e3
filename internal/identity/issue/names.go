package issue

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// checkDNSName accepts what may stand in a certificate: lower- or upper-case
// letters, digits, hyphens and dots; international names in their xn-- form.
func checkDNSName(name string, wildcard bool) error {
	if wildcard {
		name = strings.TrimPrefix(name, "*.")
	}
	if name == "" || len(name) > 253 {
		return errors.New("a DNS name has 1 to 253 bytes")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("it is an address, not a DNS name")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("it is not a DNS name")
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return errors.New("it has a character that no DNS name in a certificate has")
		}
	}
	return nil
}

// looksLikeHost reports whether a common name has a dot and nothing that a
// host name could not have.
func looksLikeHost(name string) bool {
	return strings.Contains(name, ".") && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}

// sortNames tells DNS names and addresses apart; DNS names in lower case.
func sortNames(names []string) (dns []string, ips []net.IP, err error) {
	for _, name := range names {
		if addr, parseErr := netip.ParseAddr(name); parseErr == nil {
			if addr.Zone() != "" {
				return nil, nil, fmt.Errorf("name %q: an address in a certificate has no zone", name)
			}
			ips = append(ips, addr.Unmap().AsSlice())
			continue
		}
		if err := checkDNSName(name, true); err != nil {
			return nil, nil, fmt.Errorf("name %q: %w", name, err)
		}
		if n := strings.ToLower(name); !slices.Contains(dns, n) {
			dns = append(dns, n)
		}
	}
	return dns, ips, nil
}

// OutsideError says that a name lies outside what an authority may sign.
type OutsideError struct {
	Name string
	// Permitted is what it may sign, in words.
	Permitted string
}

func (e *OutsideError) Error() string {
	return fmt.Sprintf("this authority may not sign %q; it may sign %s; mend: make an authority whose constraints include it",
		e.Name, e.Permitted)
}

// permits refuses names outside the authority's constraints before a
// certificate is made that every client would refuse.
func (ca *CA) permits(dns []string, ips []net.IP) error {
	c := ca.Certificate
	for _, name := range dns {
		bare := strings.TrimPrefix(name, "*.")
		if !slices.ContainsFunc(c.PermittedDNSDomains, func(p string) bool {
			p = strings.ToLower(p)
			return bare == p || strings.HasSuffix(bare, "."+p)
		}) {
			return &OutsideError{name, ca.permitted()}
		}
	}
	for _, ip := range ips {
		if !slices.ContainsFunc(c.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) }) {
			return &OutsideError{ip.String(), ca.permitted()}
		}
	}
	return nil
}

func (ca *CA) permitted() string {
	var parts []string
	if d := ca.Certificate.PermittedDNSDomains; len(d) > 0 {
		parts = append(parts, "DNS names "+strings.Join(d, ", ")+" and below")
	}
	var ranges []string
	for _, n := range ca.Certificate.PermittedIPRanges {
		ranges = append(ranges, n.String())
	}
	if len(ranges) > 0 {
		parts = append(parts, "addresses in "+strings.Join(ranges, ", "))
	}
	if len(parts) == 0 {
		return "clients only"
	}
	return strings.Join(parts, " and ")
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
