package nsg

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
	"github.com/cloister-ai/cloister/internal/site"
)

// compiled are the rules of a network that has no errors.
func compiled(t testing.TB, b *nsgtest.Builder) *Rules {
	t.Helper()
	r, ps := Compile(b.Network)
	if r == nil {
		t.Fatal(ps.Err())
	}
	return r
}

// packet reads "tcp SOURCE[:PORT] DESTINATION[:PORT]"; a source port of "?" is
// not known.
func packet(t testing.TB, text string) Packet {
	t.Helper()
	f := strings.Fields(text)
	if len(f) != 3 {
		t.Fatalf("%q is no packet", text)
	}
	p := Packet{SourcePort: 50000}
	switch f[0] {
	case "icmpv6":
		p.Protocol = ICMPv6
	case "sctp":
		p.Protocol = 132
	default:
		p.Protocol, _, _ = protocolOf(f[0])
	}
	part := func(s string) (netip.Addr, string) {
		if strings.HasPrefix(s, "[") {
			a, port, _ := strings.Cut(s[1:], "]")
			return nsgtest.Addr(a), strings.TrimPrefix(port, ":")
		}
		if strings.Count(s, ":") == 1 {
			a, port, _ := strings.Cut(s, ":")
			return nsgtest.Addr(a), port
		}
		return nsgtest.Addr(s), ""
	}
	var port string
	p.Source, port = part(f[1])
	switch port {
	case "":
	case "?":
		p.AnySourcePort = true
	default:
		p.SourcePort = nsgtest.Number(t, port)
	}
	if p.Destination, port = part(f[2]); port != "" {
		p.DestinationPort = nsgtest.Number(t, port)
	}
	return p
}

// said is a decision in one line: "allow out nic web/r100".
func said(d Decision) string {
	words := []string{"deny", "out", d.Level.String(), d.Rule.ID()}
	if d.Allow {
		words[0] = "allow"
	}
	if d.Inbound {
		words[1] = "in"
	}
	return strings.Join(words, " ")
}

// randomPacket is a packet of a random network.
func randomPacket(r *nsgtest.Random) Packet {
	p := r.Packet()
	return Packet{
		Protocol: Protocol(p.Protocol), Source: p.Source, Destination: p.Destination,
		SourcePort: p.SourcePort, DestinationPort: p.DestinationPort, AnySourcePort: p.AnySourcePort,
	}
}

// naively is what the naive evaluator says.
func naively(n *site.Network, p Packet) string {
	return nsgtest.Flow(n, nsgtest.Packet{
		Protocol: uint8(p.Protocol), Source: p.Source, Destination: p.Destination,
		SourcePort: p.SourcePort, DestinationPort: p.DestinationPort, AnySourcePort: p.AnySourcePort,
	})
}
