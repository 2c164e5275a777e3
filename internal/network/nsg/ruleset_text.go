package nsg

import (
	"fmt"
	"strings"

	"go4.org/netipx"

	"github.com/cloister-ai/cloister/internal/site"
)

// TextTable is the table of [Rules.HostText].
const TextTable = "cloister-nsg"

// HostText is a ruleset for nft(8) that enforces the rules of a point on the host
// that stands there: what comes in, and what goes out, and nothing else of it. It
// replaces the table of an earlier one in one transaction. Loopback is not
// touched, nor are flows that were let through, nor what an address needs before
// any rule can be asked (neighbour discovery, DHCP), which Azure's platform does
// outside the groups.
func (r *Rules) HostText(p *Point) string {
	s := r.Ruleset(p)
	var b strings.Builder
	fmt.Fprintf(&b, "# The security rules of %s for a host that stands there.\n# Made by cloister network nftables; load it with nft -f.\n", p.Name())
	// To delete a table that may not be there, it is made first.
	fmt.Fprintf(&b, "table inet %s\ndelete table inet %s\ntable inet %s {\n", TextTable, TextTable, TextTable)
	b.WriteString(s.ChainsText(nil))
	b.WriteString(`	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
`)
	fmt.Fprintf(&b, "\t\tjump %s\n\t\taccept\n\t}\n", s.To(p))
	b.WriteString(`	chain output {
		type filter hook output priority filter; policy drop;
		oif "lo" accept
		ct state established,related accept
		icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
		udp sport 68 udp dport 67 accept
		ip6 daddr ff02::1:2 udp sport 546 udp dport 547 accept
`)
	fmt.Fprintf(&b, "\t\tjump %s\n\t\taccept\n\t}\n}\n", s.From(p))
	return b.String()
}

// ChainsText is the chains in the language of nft(8), for the inside of a table of
// family inet. Log is what stands where an entry is told, "log group 5" for one;
// nil: nothing.
func (s *Ruleset) ChainsText(log func(entry int) string) string {
	var b strings.Builder
	for _, c := range s.Chains {
		fmt.Fprintf(&b, "\tchain %s {\n", c.Name)
		for i := range c.Statements {
			b.WriteString("\t\t")
			s.statementText(&b, &c.Statements[i], log)
			b.WriteByte('\n')
		}
		b.WriteString("\t}\n")
	}
	return b.String()
}

func (s *Ruleset) statementText(b *strings.Builder, st *Statement, log func(int) string) {
	ip := map[Family]string{AnyFamily: "", IPv4: "ip", IPv6: "ip6"}[st.Family]
	if ip != "" && st.Source == nil && st.Destination == nil {
		fmt.Fprintf(b, "meta nfproto ipv%d ", st.Family)
	}
	var numbers []string
	for _, p := range st.Protocols {
		numbers = append(numbers, fmt.Sprint(uint8(p)))
	}
	if len(numbers) > 0 {
		fmt.Fprintf(b, "meta l4proto %s ", braced(numbers))
	}
	address := func(side string, list []netipx.IPRange) {
		var items []string
		for _, r := range list {
			if p, ok := r.Prefix(); ok && p.IsSingleIP() {
				items = append(items, p.Addr().String())
			} else if ok {
				items = append(items, p.String())
			} else {
				items = append(items, r.String())
			}
		}
		if items != nil {
			fmt.Fprintf(b, "%s %s %s ", ip, side, braced(items))
		}
	}
	address("saddr", st.Source)
	address("daddr", st.Destination)
	port := func(side string, list []site.PortRange) {
		if list != nil {
			fmt.Fprintf(b, "th %s %s ", side, braced(strings.Split(PortsText(list), ",")))
		}
	}
	port("sport", st.SourcePorts)
	port("dport", st.DestinationPorts)
	if st.Entry >= 0 {
		b.WriteString("counter ")
		if log != nil {
			b.WriteString(log(st.Entry) + " ")
		}
	}
	switch st.Verdict {
	case Return:
		b.WriteString("return")
	case Drop:
		b.WriteString("drop")
	case Jump:
		b.WriteString("jump " + st.Target)
	case Goto:
		b.WriteString("goto " + st.Target)
	}
	if st.Entry >= 0 {
		e := s.Entries[st.Entry]
		fmt.Fprintf(b, " comment %q", comment(fmt.Sprintf("%s %d", e.Rule.ID(), e.Rule.Priority)))
	}
}

// comment keeps to what nft takes: 127 bytes. Names hold letters, digits, "_",
// "-" and "."; anything else is not taken over.
func comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, text)
	const most = 127
	if len(text) > most {
		text = text[:most]
	}
	return text
}

func braced(items []string) string {
	if len(items) == 1 {
		return items[0]
	}
	return "{ " + strings.Join(items, ", ") + " }"
}
