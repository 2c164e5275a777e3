package policy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

func ipFilterEntry() entry {
	return entry{
		name: "ip-filter", sections: inOnly, scopes: everyScope,
		does: "client addresses that may call, or may not",
		tier: tierA, page: page{
			intro: "Lets only some client addresses call, or all but some.",
			example: `
<ip-filter action="allow">
  <address>192.0.2.7</address>
  <address-range from="10.0.0.0" to="10.0.255.255" />
  <address-range from="2001:db8::" to="2001:db8::ffff" />
</ip-filter>`,
			behaviour: []string{
				"The address is the client's: the peer's, or what a trusted proxy says of it.",
				"IPv4 addresses that are written as IPv6 (`::ffff:192.0.2.7`) are IPv4 addresses.",
				"Addresses that are written are sorted when the site is loaded; expressions are evaluated only for clients that no written one holds.",
			},
			differences: []string{
				"A prefix such as `10.0.0.0/16` is refused; `check` writes the range for it.",
				"The message of the answer is Forbidden, whatever the cause; the cause stands in `context.LastError` and in the record.",
			},
			errors: []errorLine{
				{"CallerIpNotAllowed", "`allow`, and the address is not listed: 403"},
				{"CallerIpBlocked", "`forbid`, and it is: 403"},
				{"FailedToParseCallerIP", "there is no address: 403"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no action or address: 500"},
			},
		},
		attributes: []attribute{{name: "action", required: true, expected: "allow or forbid", expression: true}},
		children: []child{
			{name: "address", many: true, anywhere: true, expected: "an IPv4 or IPv6 address", text: hasText, expression: true},
			{name: "address-range", many: true, anywhere: true, expected: "all addresses between two, both included", attributes: []attribute{
				{name: "from", required: true, expected: "the first address", expression: true},
				{name: "to", required: true, expected: "the last address", expression: true},
			}},
		},
		compile: compileIPFilter,
	}
}

type ipFilter struct {
	action choiceValue
	// ranges are those that are written, sorted and apart. IPv4 sorts before IPv6.
	ranges []addressRange
	// computed are the others.
	computed []computedRange
}

// computedRange is a range of which at least one end is computed.
type computedRange struct{ first, last textValue }

// addressRange is from its first address to its last, of one family.
type addressRange struct{ first, last netip.Addr }

func compileIPFilter(c *compiler, n *Node) statement {
	s := &ipFilter{action: c.choiceAttribute(n, "action", "allow", "allow", "forbid")}
	var ranges []addressRange
	for _, k := range n.Elements() {
		if c.computedRange(k, s) {
			continue
		}
		if k.Name == "address" {
			if v, ok := c.content(k); ok {
				if a, ok := c.address(v, "address"); ok {
					ranges = append(ranges, addressRange{a, a})
				}
			}
		} else if r, ok := c.addressRange(k); ok {
			ranges = append(ranges, r)
		}
	}
	if len(n.Elements()) == 0 {
		c.add(n.Pos, "missing-element", "<address> or <address-range>", "", "ip-filter holds no address")
	}
	s.ranges = merge(ranges)
	return s
}

// computedRange takes an element in which an address is computed; false: none is.
func (c *compiler) computedRange(n *Node, s *ipFilter) bool {
	var r computedRange
	if n.Name == "address" {
		if _, is := elementExpression(n); !is {
			return false
		}
		v, ok := c.textContent(n)
		r = computedRange{v, v}
		if ok {
			s.computed = append(s.computed, r)
		}
		return true
	}
	computes := func(name string) bool {
		a := n.Attribute(name)
		if a == nil {
			return false
		}
		_, is := expressionStart(a.Value)
		return is
	}
	if !computes("from") && !computes("to") {
		return false
	}
	var okFirst, okLast bool
	r.first, okFirst = c.textAttribute(n, "from")
	r.last, okLast = c.textAttribute(n, "to")
	for name, v := range map[string]*textValue{"from": &r.first, "to": &r.last} {
		if v.given && v.compute == nil {
			if written, ok := c.attribute(n, name); ok {
				c.address(written, name)
			}
		}
	}
	if okFirst && okLast {
		s.computed = append(s.computed, r)
	}
	return true
}

func (c *compiler) addressRange(n *Node) (r addressRange, ok bool) {
	from, okFrom := c.attribute(n, "from")
	to, okTo := c.attribute(n, "to")
	if !okFrom || !okTo {
		return r, false
	}
	first, okFrom := c.address(from, "from")
	last, okTo := c.address(to, "to")
	if !okFrom || !okTo {
		return r, false
	}
	if first.Is4() != last.Is4() {
		c.add(to.pos, "invalid-value", "two addresses of one family", "", "the range begins with %q and ends with %q", from.written, to.written)
		return r, false
	}
	if last.Less(first) {
		c.add(to.pos, "invalid-value", "from not after to", "swap them", "the range from %q to %q is empty", from.written, to.written)
		return r, false
	}
	return addressRange{first, last}, true
}

func (c *compiler) address(v value, name string) (netip.Addr, bool) {
	text := strings.TrimSpace(v.text)
	a, err := netip.ParseAddr(text)
	if err == nil && a.Zone() == "" {
		return a.Unmap(), true
	}
	mend := ""
	if p, err := netip.ParsePrefix(text); err == nil && !v.secret {
		mend = fmt.Sprintf(`write <address-range from="%s" to="%s" />`, p.Masked().Addr(), lastOf(p))
	}
	c.malformed(v, name, "an IPv4 or IPv6 address", mend)
	return netip.Addr{}, false
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// merge sorts ranges and joins those that overlap.
func merge(ranges []addressRange) []addressRange {
	slices.SortFunc(ranges, func(a, b addressRange) int {
		return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last))
	})
	var out []addressRange
	for _, r := range ranges {
		if n := len(out); n > 0 && out[n-1].first.Is4() == r.first.Is4() && r.first.Compare(out[n-1].last) <= 0 {
			if out[n-1].last.Less(r.last) {
				out[n-1].last = r.last
			}
			continue
		}
		out = append(out, r)
	}
	return slices.Clip(out)
}

func (s *ipFilter) do(ctx context.Context, x *Exchange) (flow, *Error) {
	const public = "Forbidden"
	client := x.ClientIP.Unmap().WithZone("")
	if !client.IsValid() {
		return stop, denied(http.StatusForbidden, "FailedToParseCallerIP",
			"Failed to establish IP address for the caller. Access denied.", public)
	}
	action, e := s.action.word(ctx, x)
	if e != nil {
		return stop, e
	}
	in, e := s.contains(ctx, x, client)
	if e != nil {
		return stop, e
	}
	switch forbid := action == "forbid"; {
	case in && forbid:
		return stop, denied(http.StatusForbidden, "CallerIpBlocked", "Caller IP address is blocked. Access denied.", public)
	case !in && !forbid:
		return stop, denied(http.StatusForbidden, "CallerIpNotAllowed",
			fmt.Sprintf("Caller IP address %s is not allowed. Access denied.", client), public)
	}
	return next, nil
}

// contains looks through the addresses that are written, and then through those
// that are computed. One that is no address ends the request.
func (s *ipFilter) contains(ctx context.Context, x *Exchange, client netip.Addr) (bool, *Error) {
	if s.holds(client) {
		return true, nil
	}
	for i := range s.computed {
		first, e := s.computed[i].first.address(ctx, x)
		if e != nil {
			return false, e
		}
		last, e := s.computed[i].last.address(ctx, x)
		if e != nil {
			return false, e
		}
		if first.Is4() == client.Is4() && last.Is4() == client.Is4() && first.Compare(client) <= 0 && client.Compare(last) <= 0 {
			return true, nil
		}
	}
	return false, nil
}

// address is an address for one exchange.
func (t *textValue) address(ctx context.Context, x *Exchange) (netip.Addr, *Error) {
	text, e := t.text(ctx, x)
	if e != nil {
		return netip.Addr{}, e
	}
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	if err == nil && a.Zone() == "" {
		return a.Unmap(), nil
	}
	if t.compute == nil { // what is written was looked at when it was loaded
		return netip.Addr{}, &Error{
			Reason: "ExpressionValueEvaluationFailure", Message: "An address of the range is none.", Status: http.StatusInternalServerError,
		}
	}
	return netip.Addr{}, t.compute.badValue("The value of %q is no IPv4 or IPv6 address.", t.compute.name)
}

// holds looks for the last range that begins at or before a.
func (s *ipFilter) holds(a netip.Addr) bool {
	i, found := slices.BinarySearchFunc(s.ranges, a, func(r addressRange, a netip.Addr) int { return r.first.Compare(a) })
	if found {
		return true
	}
	return i > 0 && s.ranges[i-1].first.Is4() == a.Is4() && a.Compare(s.ranges[i-1].last) <= 0
}
