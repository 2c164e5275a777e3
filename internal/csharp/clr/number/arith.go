package number

import (
	"errors"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Arith is an operator of System.Decimal: + - * / % and the comparisons. It
// throws what .NET throws.
func Arith(t *clr.Thread, op string, a, b clr.Value) clr.Value {
	x, y := DecimalOf(a), DecimalOf(b)
	switch op {
	case "+":
		return made(t)(x.Add(y))
	case "-":
		return made(t)(x.Sub(y))
	case "*":
		return made(t)(x.Mul(y))
	case "/":
		return made(t)(x.Div(y))
	case "%":
		return made(t)(x.Rem(y))
	case "==":
		return clr.Bool(x.Cmp(y) == 0)
	case "!=":
		return clr.Bool(x.Cmp(y) != 0)
	case "<":
		return clr.Bool(x.Cmp(y) < 0)
	case "<=":
		return clr.Bool(x.Cmp(y) <= 0)
	case ">":
		return clr.Bool(x.Cmp(y) > 0)
	case ">=":
		return clr.Bool(x.Cmp(y) >= 0)
	}
	panic("number: System.Decimal has no operator " + op)
}

// decimalSize is what a Decimal takes in memory.
const decimalSize = 16

// made turns a Decimal, or why there is none, into a value of .NET.
func made(t *clr.Thread) func(Decimal, error) clr.Value {
	return func(d Decimal, err error) clr.Value {
		switch {
		case errors.Is(err, ErrDivideByZero):
			t.Throw(clr.DivideByZeroException, "Attempted to divide by zero.")
		case err != nil:
			t.Throw(clr.OverflowException, tooLarge("a", clr.Decimal))
		}
		t.Allocate(decimalSize)
		return d.Value()
	}
}
