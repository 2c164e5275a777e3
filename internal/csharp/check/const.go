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
	if !ok || e.Type == clr.Decimal || k.Type == clr.Decimal || e.Type.Kind == clr.Enum || k.Type.Kind == clr.Enum {
		return e
	}
	return &Const{typed{e.Type, e.Span}, clr.ConvertNumber(k.Value, e.Type)}
}

// foldUnary is the constant that an operator gives; nil: none.
func (c *checker) foldUnary(e *Unary, k *Const, n syntax.Node) Expr {
	at := typed{e.Type, e.Span}
	switch {
	case e.Type == clr.Decimal:
		return nil
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

// foldConcat joins constant strings that stand beside each other.
func foldConcat(e *Concat) Expr {
	var out []Expr
	for _, p := range e.Parts {
		k, ok := p.(*Const)
		if ok && len(out) > 0 && k.Type == clr.String {
			if last, ok := out[len(out)-1].(*Const); ok && last.Type == clr.String {
				out[len(out)-1] = &Const{last.typed, clr.Str(clr.Concat(last.Value.S, k.Value.S))}
				continue
			}
		}
		out = append(out, p)
	}
	if k, ok := out[0].(*Const); ok && len(out) == 1 && k.Type == clr.String {
		return &Const{e.typed, clr.Str(k.Value.S)}
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
	}
	return strconv.FormatInt(k.Value.Int(), 10)
}
