package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

// numberNames are the types that Sum, Average, Min and Max are written for.
var numberNames = map[string]*clr.Type{
	"int": clr.Int32, "long": clr.Int64, "float": clr.Single, "double": clr.Double, "decimal": clr.Decimal,
}

// eachNumber adds a member for every type of numbers, nullable or not, of
// sequences of them and of sequences that a selector makes numbers of.
func eachNumber(out funcs, name string, f func(c *clr.Call, n *addends) clr.Value) {
	for word, of := range numberNames {
		for _, q := range []string{"", "?"} {
			nullable := q != ""
			out[enumerable+"."+name+"(IEnumerable<"+word+q+">)"] = func(c *clr.Call) clr.Value {
				elem := of
				if nullable {
					elem = of.NullableOf()
				}
				return f(c, &addends{of, nullable, source(c.Thread, c.Args[0], "source", elem).All(c.Thread)})
			}
			out[enumerable+"."+name+"<TSource>(IEnumerable<TSource>, Func<TSource, "+word+q+">)"] = func(c *clr.Call) clr.Value {
				return f(c, &addends{of, nullable, selections(c)})
			}
		}
	}
}

// addends are numbers that are summed up or compared.
type addends struct {
	of       *clr.Type
	nullable bool
	seq      iter.Seq[clr.Value]
}

// selections are what the selector makes of the source's elements.
func selections(c *clr.Call) iter.Seq[clr.Value] {
	s, f := src(c), function(c, 1, "selector")
	t := c.Thread
	return func(yield func(clr.Value) bool) {
		for v := range s.All(t) {
			if !yield(t.Invoke(f, v)) {
				return
			}
		}
	}
}

func sumMembers() funcs {
	out := funcs{}
	eachNumber(out, "Sum", func(c *clr.Call, n *addends) clr.Value {
		total := newTotal(n.of)
		for v := range n.seq {
			if v.O != nil {
				total.add(c.Thread, v)
			}
		}
		return total.sum(n.of)
	})
	return out
}

// total is a sum of numbers of one type: of float as double, of int as long.
type total struct {
	whole int64
	f     float64
	d     clr.Value // a decimal
	least int64     // of the type
	most  int64
	of    *clr.Type
	n     int64
}

func newTotal(of *clr.Type) *total {
	s := &total{of: of, d: number.DecimalZero.Value(), least: -1 << 63, most: 1<<63 - 1}
	if of == clr.Int32 {
		s.least, s.most = -1<<31, 1<<31-1
	}
	return s
}

// add adds a number; an integer that becomes too big throws at once.
func (s *total) add(t *clr.Thread, v clr.Value) {
	s.n++
	switch s.of {
	case clr.Single, clr.Double:
		s.f += v.Float()
	case clr.Decimal:
		s.d = number.Arith(t, "+", s.d, v)
	default:
		sum := s.whole + v.Int()
		if (sum > s.whole) != (v.Int() > 0) && v.Int() != 0 || sum < s.least || sum > s.most {
			t.ThrowOverflow()
		}
		s.whole = sum
	}
}

// sum is the sum as a number of that type.
func (s *total) sum(of *clr.Type) clr.Value {
	switch of {
	case clr.Single:
		return clr.Single32(float32(s.f))
	case clr.Double:
		return clr.Float(s.f)
	case clr.Decimal:
		return s.d
	}
	return clr.Number(of, s.whole)
}

func averageMembers() funcs {
	out := funcs{}
	eachNumber(out, "Average", func(c *clr.Call, n *addends) clr.Value {
		total := newTotal(n.of)
		if n.of == clr.Int32 { // summed up as long
			total.least, total.most = -1<<63, 1<<63-1
		}
		for v := range n.seq {
			if v.O != nil {
				total.add(c.Thread, v)
			}
		}
		if total.n == 0 {
			if !n.nullable {
				c.Throw(clr.InvalidOperationException, noElements)
			}
			return clr.Null
		}
		switch n.of {
		case clr.Single:
			return clr.Single32(float32(total.f / float64(total.n)))
		case clr.Double:
			return clr.Float(total.f / float64(total.n))
		case clr.Decimal:
			return number.Arith(c.Thread, "/", total.d, number.FromInt64(total.n).Value())
		}
		return clr.Float(float64(total.whole) / float64(total.n))
	})
	return out
}
