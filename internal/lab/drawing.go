package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// drawingWidth is that of a drawing, so that it fits into 80 columns.
const drawingWidth = 78

// Draw draws the network with its addresses, in lines of at most 80 columns.
func (p *Plan) Draw() string {
	var outside []*Host
	for _, h := range p.Hosts {
		if !h.Inside() {
			outside = append(outside, h)
		}
	}
	lines := box("outside", hostLines(outside), drawingWidth)
	for _, network := range slices.Sorted(maps.Keys(p.Space)) {
		var inside []string
		for _, s := range p.Subnets {
			if name, subnet, _ := strings.Cut(s.ID, "/"); name == network {
				title := subnet + "  " + joined(s.Prefixes)
				if s.SecurityGroup != "" {
					title += "  rules: " + s.SecurityGroup
				}
				inside = append(inside, box(title, hostLines(p.of(s.ID)), drawingWidth-4)...)
			}
		}
		lines = append(lines, strings.Repeat(" ", drawingWidth/2)+"│")
		lines = append(lines, box(network+"  "+joined(p.Space[network]), inside, drawingWidth)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func joined(prefixes []netip.Prefix) string {
	var out []string
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return strings.Join(out, "  ")
}

// hostLines are the hosts of a box: name, addresses, what it is.
func hostLines(hosts []*Host) []string {
	name, first := 0, 0
	for _, h := range hosts {
		name = max(name, utf8.RuneCountInString(h.Name))
		first = max(first, len(h.Addrs[0].String()))
	}
	name = min(name, 24)
	var out []string
	for _, h := range hosts {
		var rest []string
		for _, a := range h.Addrs[1:] {
			rest = append(rest, a.String())
		}
		switch {
		case h.Gateway:
			rest = append(rest, "the gateway")
		case h.Kind == Endpoint:
			rest = append(rest, "private endpoint")
		case h.Kind == Public:
			rest = append(rest, "public access is disabled")
		}
		out = append(out, fmt.Sprintf("%-*s  %-*s  %s", name, shorten(h.Name, name), first, h.Addrs[0], strings.Join(rest, "  ")))
	}
	return out
}

// shorten cuts s to a number of columns.
func shorten(s string, columns int) string {
	if utf8.RuneCountInString(s) <= columns {
		return s
	}
	return string([]rune(s)[:columns-1]) + "…"
}

// box draws lines in a frame with a title.
func box(title string, lines []string, width int) []string {
	title = shorten(title, width-6)
	out := []string{"┌─ " + title + " " + strings.Repeat("─", width-5-utf8.RuneCountInString(title)) + "┐"}
	for _, l := range lines {
		l = shorten(strings.TrimRight(l, " "), width-4)
		out = append(out, "│ "+l+strings.Repeat(" ", width-4-utf8.RuneCountInString(l))+" │")
	}
	return append(out, "└"+strings.Repeat("─", width-2)+"┘")
}
