package check

import (
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// newArray is new T[n], new T[] {…} and new[] {…}.
func (c *checker) newArray(n *syntax.NewArray) operand {
	if n.Elem == nil {
		return c.implicitArray(n)
	}
	elem := c.resolve(n.Elem)
	if elem == bad {
		return wrong(n)
	}
	rank := max(n.Rank, 1)
	t := elem.ArrayOf(rank)
	out := &NewArray{typed: typed{t, n.Span}}
	for _, s := range n.Sizes {
		x := c.rvalue(c.expr(s))
		for _, to := range []*clr.Type{clr.Int32, clr.Int64, clr.UInt64} {
			if c.canImplicit(x, to) {
				out.Sizes = append(out.Sizes, c.convert(x, to, s))
				break
			}
		}
	}
	if len(out.Sizes) != len(n.Sizes) {
		c.convert(c.expr(n.Sizes[len(out.Sizes)]), clr.Int32, n.Sizes[len(out.Sizes)])
		return wrong(n)
	}
	for _, s := range out.Sizes {
		if k, ok := s.(*Const); ok && k.Type != clr.UInt64 && k.Value.Int() < 0 {
			c.errorf(n, "CS0248", "Cannot create an array with a negative size")
			return wrong(n)
		}
	}
	if n.Init != nil {
		c.arrayInit(out, elem, rank, n.Init)
		c.sizesFit(out, n)
	}
	return c.valueOf(out, n)
}

// sizesFit compares written sizes with the initializer.
func (c *checker) sizesFit(out *NewArray, n *syntax.NewArray) {
	for i, s := range out.Sizes {
		k, ok := s.(*Const)
		if !ok {
			c.errorf(n.Sizes[i], "CS0150", "A constant value is expected")
			continue
		}
		have := len(out.Elems)
		if i < len(out.Dims) {
			have = out.Dims[i]
		}
		if k.Value.Int() != int64(have) {
			c.errorf(n.Init, "CS0847", "An array initializer of length '%d' is expected", k.Value.Int())
		}
	}
	out.Sizes = nil
}

// arrayInit gathers the elements of an initializer, of several dimensions too.
func (c *checker) arrayInit(out *NewArray, elem *clr.Type, rank int, in *syntax.Initializer) {
	if rank > 1 {
		out.Dims = make([]int, rank)
	}
	c.arrayLevel(out, elem, rank, 0, in)
}

func (c *checker) arrayLevel(out *NewArray, elem *clr.Type, rank, level int, in *syntax.Initializer) {
	if rank > 1 {
		if out.Dims[level] != 0 && out.Dims[level] != len(in.Elems) {
			c.errorf(in, "CS0847", "An array initializer of length '%d' is expected", out.Dims[level])
			return
		}
		out.Dims[level] = len(in.Elems)
	}
	for i := range in.Elems {
		e := &in.Elems[i]
		if level+1 < rank {
			nested, ok := e.Value.(*syntax.Initializer)
			if !ok {
				c.errorf(e, "CS0846", "A nested array initializer is expected")
				return
			}
			c.arrayLevel(out, elem, rank, level+1, nested)
			continue
		}
		x, ok := e.Value.(syntax.Expr)
		if !ok {
			c.errorf(e, "CS0623", "Array initializers can only be used in a variable or field initializer. Try using a new expression instead.")
			return
		}
		out.Elems = append(out.Elems, c.convert(c.expr(x), elem, x))
	}
}

func (c *checker) implicitArray(n *syntax.NewArray) operand {
	if n.Init == nil {
		return wrong(n)
	}
	rank := max(n.Rank, 1)
	var ops []operand
	if !c.arrayOperands(n.Init, rank, &ops) {
		return wrong(n)
	}
	t := c.bestCommon(ops)
	if t == nil {
		c.errorf(n, "CS0826", "No best type found for implicitly-typed array")
		return wrong(n)
	}
	out := &NewArray{typed: typed{t.ArrayOf(rank), n.Span}}
	if rank > 1 {
		c.arrayInit(out, t, rank, n.Init)
		return c.valueOf(out, n)
	}
	for _, o := range ops {
		out.Elems = append(out.Elems, c.convert(o, t, o.node))
	}
	return c.valueOf(out, n)
}

// arrayOperands gathers the elements of an array whose type they say; false
// after an error.
func (c *checker) arrayOperands(in *syntax.Initializer, rank int, ops *[]operand) bool {
	for i := range in.Elems {
		if nested, ok := in.Elems[i].Value.(*syntax.Initializer); ok && rank > 1 {
			if !c.arrayOperands(nested, rank-1, ops) {
				return false
			}
			continue
		}
		x, ok := in.Elems[i].Value.(syntax.Expr)
		if !ok || rank > 1 {
			c.errorf(&in.Elems[i], "CS0826", "No best type found for implicitly-typed array")
			return false
		}
		o := c.rvalue(c.expr(x))
		if o.isBad() || o.kind == invalid {
			return false
		}
		o.node = x
		*ops = append(*ops, o)
	}
	return true
}
