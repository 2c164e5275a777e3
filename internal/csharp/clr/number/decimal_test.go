package number

import "testing"

func dec(t *testing.T, s string) Decimal {
	t.Helper()
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	d, err := ParseDecimal(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if neg {
		d = d.Neg()
	}
	return d
}

// TestDecimalOperators holds the scales of results against what .NET gives.
func TestDecimalOperators(t *testing.T) {
	f := func(a, op, b, want string) {
		t.Helper()
		x, y := dec(t, a), dec(t, b)
		var got Decimal
		var err error
		switch op {
		case "+":
			got, err = x.Add(y)
		case "-":
			got, err = x.Sub(y)
		case "*":
			got, err = x.Mul(y)
		case "/":
			got, err = x.Div(y)
		case "%":
			got, err = x.Rem(y)
		}
		if err != nil {
			t.Errorf("%s %s %s: %v", a, op, b, err)
		} else if got != dec(t, want) {
			t.Errorf("%s %s %s = %+v, want %s", a, op, b, got, want)
		}
	}
	f("1.50", "+", "1.5", "3.00")
	f("1", "-", "2.50", "-1.50")
	f("1.10", "*", "2.0", "2.200")
	f("1", "/", "4", "0.25")
	f("10.00", "/", "2", "5.00")
	f("1", "/", "3", "0.3333333333333333333333333333")
	f("2", "/", "3", "0.6666666666666666666666666667")
	f("5.5", "%", "2", "1.5")
	f("-5", "%", "3", "-2")
	f("0.0000000000000000000000000001", "*", "0.5", "0.0000000000000000000000000000")
	f("79228162514264337593543950335", "-", "1", "79228162514264337593543950334")
	f("7922816251426433759354395033.5", "+", "0.05", "7922816251426433759354395033.6")
	f("1", "/", "3000000000000000000000", "0.0000000000000000000003333333")
}
