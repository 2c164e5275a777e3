package check

import (
	"errors"
	"strconv"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// fold gives a constant for a numeric conversion of one.
func fold(e *Convert) Expr {
	k, ok := e.X.(*Const)
	if ok && e.Type == clr.Decimal && integerSize(k.Type) != 0 {
		d, _ := decimalConst(k.Value)
		return &Const{typed{e.Type, e.Span}, d.Value()}
	}
	if !ok || e.Type == clr.Decimal || k.Type == clr.Decimal || e.Type.Kind == clr.Enum || k.Type.Kind == clr.Enum {
		return e
	}
	return &Const{typed{e.Type, e.Span}, clr.ConvertNumber(k.Value, e.Type)}
}

// foldUnary is the constant that an operator gives; nil: none.
func (c *checker) foldUnary(e *Unary, k *Const, n syntax.Node) Expr {
	at := typed{e.Type, e.Span}
	switch {
	case e.Type == clr.Decimal && e.Op == "-":
		return &Const{at, number.DecimalOf(k.Value).Neg().Value()}
	case e.Op == "!":
		return &Const{at, clr.Bool(!k.Value.Bool())}
	case e.Op == "+":
		return &Const{at, k.Value}
	case e.Op == "~":
		return &Const{at, clr.Wrap(^k.Value.N, e.Type)}
	}
	v, err := clr.Negate(e.Type, k.Value, !c.unchecked())
	if err != clr.NoError {
		c.overflow(n)
		return wrong(n).e
	}
	return &Const{at, v}
}

func (c *checker) overflow(n syntax.Node) {
	c.errorf(n, "CS0220", "The operation overflows at compile time in checked mode")
}

// foldDecimal is foldBinary of decimals, which are always checked.
func (c *checker) foldDecimal(e *Binary, x, y number.Decimal, n syntax.Node) Expr {
	v, err := number.Operate(e.Op, x, y)
	switch {
	case errors.Is(err, number.ErrDivideByZero):
		c.errorf(n, "CS0020", "Division by constant zero")
	case err != nil:
		c.overflow(n)
	default:
		return &Const{typed{e.Type, e.Span}, v}
	}
	return wrong(n).e
}

// foldBinary is the constant that an operator gives; nil: none.
func (c *checker) foldBinary(e *Binary, x, y *Const, n syntax.Node) Expr {
	if e.Operand == clr.Decimal {
		return c.foldDecimal(e, number.DecimalOf(x.Value), number.DecimalOf(y.Value), n)
	}
	checked := !c.unchecked() && !clr.IsFloat(e.Operand)
	v, err := clr.Arith(e.Op, e.Operand, x.Value, y.Value, checked)
	switch err {
	case clr.ByZero:
		c.errorf(n, "CS0020", "Division by constant zero")
		return wrong(n).e
	case clr.Overflows:
		c.overflow(n)
		return wrong(n).e
	}
	if e.Type != clr.Boolean {
		v.O = e.Type
		if e.Type != e.Operand && e.Operand.Kind != clr.Enum {
			v = clr.ConvertNumber(v, e.Type)
		}
	}
	return &Const{typed{e.Type, e.Span}, v}
}

// decimalConst is a number of any type as a decimal.
func decimalConst(v clr.Value) (number.Decimal, error) {
	switch v.O.Type() {
	case clr.Decimal:
		return number.DecimalOf(v), nil
	case clr.Double:
		return number.FromFloat64(v.Float())
	case clr.Single:
		return number.FromFloat32(float32(v.Float()))
	case clr.UInt64:
		return number.FromUint64(v.N), nil
	}
	return number.FromInt64(v.Int()), nil
}

// decimalCast is a cast of a constant from or to decimal; nil: it does not fit.
func decimalCast(k *Const, to *clr.Type, at syntax.Span) Expr {
	d, err := decimalConst(k.Value)
	if err != nil {
		return nil
	}
	v := clr.Value{O: to}
	switch size := integerSize(to); {
	case to == clr.Decimal:
		v = d.Value()
	case to == clr.Double:
		v = clr.Float(d.Float64())
	case to == clr.Single:
		v = clr.Single32(d.Float32())
	case size > 0:
		v.N, err = d.Uint64()
		if err != nil || size < 64 && v.N>>size != 0 {
			return nil
		}
	default:
		i, err := d.Int64()
		if err != nil || !fits(i, to) {
			return nil
		}
		v.N = uint64(i)
	}
	return &Const{typed{to, at}, v}
}

// foldConcat joins constant strings that stand beside each other.
func (c *checker) foldConcat(e *Concat) Expr {
	var out []Expr
	for _, p := range e.Parts {
		k, ok := p.(*Const)
		if ok && len(out) > 0 && k.Type == clr.String {
			if last, ok := out[len(out)-1].(*Const); ok && last.Type == clr.String {
				c.chargeFold(last, k)
				c.folded = &Const{last.typed, clr.Str(clr.Concat(last.Value.S, k.Value.S))}
				out[len(out)-1] = c.folded
				continue
			}
		}
		out = append(out, p)
	}
	if k, ok := out[0].(*Const); ok && len(out) == 1 && k.Type == clr.String {
		joined := &Const{e.typed, clr.Str(k.Value.S)}
		if k == c.folded {
			c.folded = joined
		}
		return joined
	}
	e.Parts = out
	return e
}

// constText is a constant for messages.
func constText(k *Const) string {
	switch {
	case k.Value.O == nil:
		return "null"
	case k.Type == clr.String:
		return k.Value.S
	case k.Type == clr.UInt64:
		return strconv.FormatUint(k.Value.N, 10)
	case clr.IsFloat(k.Type):
		return strconv.FormatFloat(k.Value.Float(), 'g', -1, 64)
	case k.Type == clr.Boolean:
		return strconv.FormatBool(k.Value.Bool())
	case k.Type == clr.Decimal:
		return number.DecimalOf(k.Value).String() + "M"
	}
	return strconv.FormatInt(k.Value.Int(), 10)
}

// chargeFold counts what joining two strings makes. Of a + b + c, where a + b
// was just made and is forgotten, c alone counts.
func (c *checker) chargeFold(x, y *Const) {
	c.foldSize += len(y.Value.S)
	if x != c.folded {
		c.foldSize += len(x.Value.S)
	}
	if c.foldSize > MaxConstant {
		panic(&clr.LimitError{Limit: "constant strings", Most: strconv.Itoa(MaxConstant>>20) + " MiB"})
	}
}
