package collection

import (
	"iter"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// extremeMembers are Min and Max.
func extremeMembers() funcs {
	out := funcs{}
	for name, sign := range map[string]int{"Min": -1, "Max": 1} {
		eachNumber(out, name, func(c *clr.Call, n *addends) clr.Value {
			return extreme(c.Thread, n.seq, sign, n.nullable)
		})
		out[enumerable+"."+name+"<TSource>(IEnumerable<TSource>)"] = func(c *clr.Call) clr.Value {
			return extreme(c.Thread, src(c).All(c.Thread), sign, takesNull(c.Types[0]))
		}
		out[enumerable+"."+name+"<TSource, TResult>(IEnumerable<TSource>, Func<TSource, TResult>)"] = func(c *clr.Call) clr.Value {
			return extreme(c.Thread, selections(c), sign, takesNull(c.Types[1]))
		}
	}
	return out
}

// takesNull reports whether default(T) is null.
func takesNull(of *clr.Type) bool { return !of.IsValue() || of.IsNullable() }

// extreme is the greatest value, or for sign -1 the smallest; nulls do not
// count. NaN is below every number: as the smallest it ends the search, as the
// greatest it is what is left.
func extreme(t *clr.Thread, seq iter.Seq[clr.Value], sign int, nullable bool) clr.Value {
	best := clr.Null
	for v := range seq {
		switch {
		case v.O == nil:
			continue
		case best.O == nil:
			best = v
		case isNaN(best) || isNaN(v):
			if sign > 0 && isNaN(best) {
				best = v
			} else if sign < 0 {
				best = v
			}
		case t.Compare(v, best)*sign > 0:
			best = v
		}
		if sign < 0 && isNaN(best) {
			break
		}
	}
	if best.O == nil && !nullable {
		t.Throw(clr.InvalidOperationException, noElements)
	}
	return best
}

func isNaN(v clr.Value) bool {
	return (v.O == clr.Object(clr.Double) || v.O == clr.Object(clr.Single)) && math.IsNaN(v.Float())
}
