package check

import (
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

func itoa(n int) string { return strconv.Itoa(n) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}

func argText(i int, from, to string) string {
	return "Argument " + itoa(i+1) + ": cannot convert from '" + from + "' to '" + to + "'"
}

// memberName is how messages call a member.
func memberName(m *clr.Member) string {
	switch m.Name {
	case ".ctor":
		return m.Declaring.Name
	case "Item":
		return "this"
	}
	return m.Name
}

// signatureText is a member as messages show it:
// string.Substring(int, int).
func signatureText(m *clr.Member) string {
	var b strings.Builder
	b.WriteString(m.Declaring.String())
	if m.Name != ".ctor" {
		b.WriteString("." + memberName(m))
	}
	if len(m.TypeParams) > 0 {
		b.WriteByte('<')
		for i, p := range m.TypeParams {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(p.Name)
		}
		b.WriteByte('>')
	}
	b.WriteByte('(')
	for i, p := range m.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		if p.Ref != "" {
			b.WriteString(p.Ref + " ")
		}
		b.WriteString(p.Type.String())
	}
	b.WriteByte(')')
	return b.String()
}

func (c *checker) reportMismatch(n syntax.Node, name string, members []*clr.Member, args []argument, why mismatch) {
	at := n
	if why.node != nil {
		at = why.node
	}
	for _, a := range args {
		// A lambda that is wrong by itself is worth more than that nothing fits.
		if a.op.kind == lambdaExpr && (why.code == "CS1503" && why.node == a.node || why.code == "CS0411") {
			if c.sayLambda(a.op) {
				return
			}
			if why.to != nil && invokeOf(why.to) != nil {
				c.lambdaMismatch(a.op, why.to, a.node)
				return
			}
		}
	}
	if why.code == "" {
		why.code, why.text = "CS1501", "No overload for method '"+name+"' takes "+plural(len(args), "argument")
	}
	if len(members) > 1 && why.code == "CS7036" {
		why.code, why.text = "CS1501", "No overload for method '"+name+"' takes "+plural(len(args), "argument")
	}
	if len(members) > 0 && members[0].Name == ".ctor" && why.code == "CS1501" {
		why.code, why.text = "CS1729", "'"+members[0].Declaring.String()+"' does not contain a constructor that takes "+plural(len(args), "argument")
	}
	c.errorf(at, why.code, "%s", why.text)
}
