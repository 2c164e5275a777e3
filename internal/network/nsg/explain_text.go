package nsg

import (
	"fmt"
	"strings"
)

// maxPassed is how many rules that did not match a text shows of a step.
const maxPassed = 20

// Text is the explanation for people, in lines.
func (x *Explanation) Text() string {
	var b strings.Builder
	verdict := "denied"
	if x.Allow {
		verdict = "allowed"
	}
	port := ""
	if x.Port > 0 {
		port = fmt.Sprintf(":%d", x.Port)
	}
	fmt.Fprintf(&b, "%s → %s%s (%s): %s\n", x.From.text(), x.To.text(), port, x.Protocol, verdict)
	for i := range x.Steps {
		x.Steps[i].text(&b)
	}
	x.othersText(&b)
	return b.String()
}

func (e *End) text() string {
	if e.Kind == KindAddress {
		return fmt.Sprintf("%s (%s)", e.Address, e.Name)
	}
	return fmt.Sprintf("%s (%s)", e.Name, e.Address)
}

func (s *Step) text(b *strings.Builder) {
	group := "no security group"
	if s.Group != "" {
		group = "security group " + s.Group
	}
	switch s.Level {
	case PlatformLevel:
		fmt.Fprintf(b, "\n%s, outside the security groups\n", s.Direction)
	case SubnetLevel:
		fmt.Fprintf(b, "\n%s, subnet %s, %s\n", s.Direction, s.At, group)
	default:
		fmt.Fprintf(b, "\n%s, network interface %s, %s\n", s.Direction, s.At, group)
	}
	if s.Why != "" {
		fmt.Fprintf(b, "  %s\n", s.Why)
	}
	passed := s.Passed
	more := len(passed) - maxPassed
	if more > 0 {
		passed = passed[more:]
		fmt.Fprintf(b, "  %d rules before these did not match; --json shows them\n", more)
	}
	for i := range passed {
		fmt.Fprintf(b, "  %5d  %s (%s): no, %s\n", passed[i].Rule.Priority, passed[i].Rule.Name, passed[i].Rule.Access, strings.Join(passed[i].Why, "; "))
	}
	if s.Level == PlatformLevel {
		fmt.Fprintf(b, "  %s: %s\n", s.Rule.Name, s.Rule.Access)
		return
	}
	r := &s.Rule
	fmt.Fprintf(b, "  %5d  %s decides: %s\n", r.Priority, r.Name, r.Access)
	fmt.Fprintf(b, "         %s from %s%s to %s%s", r.Protocol, r.Source, colon(r.SourcePorts), r.Destination, colon(r.DestinationPorts))
	switch {
	case r.Default && r.Place != nil:
		fmt.Fprintf(b, "; every group has it (%s)", r.Place)
	case r.Default:
		b.WriteString("; a default rule")
	case r.Place != nil:
		fmt.Fprintf(b, "; %s", r.Place)
	}
	b.WriteByte('\n')
}

// colon puts ports behind an address; "*" is not shown.
func colon(ports string) string {
	if ports == "*" {
		return ""
	}
	return ":" + ports
}

func (x *Explanation) othersText(b *strings.Builder) {
	if len(x.Others) == 0 {
		return
	}
	b.WriteString("\nnot every address has this answer:\n")
	for _, o := range x.Others {
		verdict := "denied"
		if o.Allow {
			verdict = "allowed"
		}
		fmt.Fprintf(b, "  %s %s: %s by %s (%s)\n", o.End, o.Address, verdict, o.Rule, o.Level)
	}
	if x.More > 0 {
		fmt.Fprintf(b, "  and %d other answers\n", x.More)
	}
}
