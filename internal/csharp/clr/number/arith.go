package number

import (
	"errors"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Arith is an operator of System.Decimal: + - * / % and the comparisons. It
// throws what .NET throws.
func Arith(t *clr.Thread, op string, a, b clr.Value) clr.Value {
	v, err := Operate(op, DecimalOf(a), DecimalOf(b))
	switch {
	case errors.Is(err, ErrDivideByZero):
		t.Throw(clr.DivideByZeroException, "Attempted to divide by zero.")
	case err != nil:
		t.Throw(clr.OverflowException, tooLarge("a", clr.Decimal))
	}
	t.Allocate(decimalSize)
	return v
}

// Operate is the same for constants: [ErrDivideByZero], or an error where the
// result does not fit.
func Operate(op string, x, y Decimal) (clr.Value, error) {
	var d Decimal
	var err error
	switch op {
	case "+":
		d, err = x.Add(y)
	case "-":
		d, err = x.Sub(y)
	case "*":
		d, err = x.Mul(y)
	case "/":
		d, err = x.Div(y)
	case "%":
		d, err = x.Rem(y)
	default:
		return compared(op, x.Cmp(y)), nil
	}
	return d.Value(), err
}

func compared(op string, order int) clr.Value {
	switch op {
	case "==":
		return clr.Bool(order == 0)
	case "!=":
		return clr.Bool(order != 0)
	case "<":
		return clr.Bool(order < 0)
	case "<=":
		return clr.Bool(order <= 0)
	case ">":
		return clr.Bool(order > 0)
	case ">=":
		return clr.Bool(order >= 0)
	}
	panic("number: System.Decimal has no operator " + op)
}

// decimalSize is what a Decimal takes in memory.
const decimalSize = 16
