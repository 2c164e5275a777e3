package json

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
)

var (
	nan      = math.NaN()
	infinity = math.Inf(1)
)

// maxInteger is how many characters an integer may have.
const maxInteger = 380

// readNumber reads an Int64, a Double, or a BigInteger.
func (r *reader) readNumber() bool {
	start := r.pos
	if !r.numberEnd() {
		return false
	}
	text := r.s[start:r.pos]
	// As in Newtonsoft, the value counts for the path before it is looked at.
	r.afterValue()
	r.count()
	v, problem := r.parseAs(text)
	if problem != "" {
		return r.failed(problem)
	}
	switch r.symbol, r.value = integerSymbol, v; v.Type() {
	case clr.Double, clr.Decimal:
		r.symbol = floatSymbol
	case clr.String:
		r.symbol = stringSymbol
	}
	return true
}

// notBase10 reports a text that is an octal or hexadecimal number.
func notBase10(text string) bool {
	return len(text) > 1 && text[0] == '0' && text[1] != '.' && text[1] != 'e' && text[1] != 'E'
}

// parseAs reads a number as the type that is wanted.
func (r *reader) parseAs(text string) (v clr.Value, problem string) {
	name := map[readAs]string{asInt32: "integer", asDecimal: "decimal", asDouble: "double", asString: "number"}[r.want]
	if name == "" {
		return r.parseNumber(text)
	}
	invalid := "Input string '" + text + "' is not a valid " + name + "."
	if notBase10(text) {
		v, problem := r.parseNumber(text)
		switch {
		case problem != "", r.want == asInt32 && !clr.CheckNumber(v, clr.Int32):
			return v, invalid
		case r.want == asString:
			return clr.Str(text), ""
		}
		return convert(r.t, v, map[readAs]*clr.Type{asInt32: clr.Int32, asDecimal: clr.Decimal, asDouble: clr.Double}[r.want]), ""
	}
	switch r.want {
	case asInt32:
		if !isDigits(strings.TrimPrefix(text, "-")) {
			return v, invalid
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return v, "JSON integer " + text + " is too large or small for an Int32."
		}
		return clr.Int(int32(n)), ""
	case asDecimal:
		d, err := number.ParseDecimal(text)
		if err != nil {
			return v, invalid
		}
		return d.Value(), ""
	}
	f, ok := parseDouble(text)
	if !ok {
		return v, invalid
	}
	if r.want == asString {
		return clr.Str(text), ""
	}
	return clr.Float(f), ""
}

// numberEnd moves behind the characters that numbers have.
func (r *reader) numberEnd() bool {
	for ; r.pos < len(r.s); r.pos++ {
		switch c := r.s[r.pos]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '-', c == '+', c == '.', c == 'x', c == 'X':
		case c == ' ', c >= '\t' && c <= '\r', c == ',', c == '}', c == ']', c == ')', c == '/', c == 0, r.white() > 0:
			return true
		default:
			return r.failed("Unexpected character encountered while parsing number: " + r.char() + ".")
		}
	}
	return true
}

func (r *reader) parseNumber(text string) (v clr.Value, problem string) {
	if n, ok := smallInteger(text); ok {
		return clr.Long(n), ""
	}
	invalid := "Input string '" + text + "' is not a valid number."
	if notBase10(text) {
		digits, base := text, 8
		if text[1] == 'x' || text[1] == 'X' {
			digits, base = text[2:], 16
		}
		n, err := strconv.ParseUint(digits, base, 64)
		if err != nil || digits[0] == '+' {
			return v, invalid
		}
		return clr.Long(int64(n)), ""
	}
	if isDigits(strings.TrimPrefix(text, "-")) {
		if len(text) > maxInteger {
			return v, "JSON integer " + text + " is too large to parse."
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return clr.Long(n), ""
		}
		r.t.Allocate(256)
		n, _ := new(big.Int).SetString(text, 10)
		return clr.Obj(&bigInteger{n}), ""
	}
	f, ok := parseDouble(text)
	if !ok {
		return v, invalid
	}
	return clr.Float(f), ""
}

// smallInteger is a decimal integer of at most 18 digits, without zeros before
// it.
func smallInteger(text string) (n int64, ok bool) {
	digits := text
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" || len(digits) > 18 || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseDouble is double.TryParse of a text that has only the characters of
// numbers: digits, one point, an exponent with digits.
func parseDouble(text string) (float64, bool) {
	rest := strings.TrimLeft(text, "+-")
	if len(text)-len(rest) > 1 {
		return 0, false
	}
	mantissa, exponent := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i+1:]
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		if !isDigits(exponent) {
			return 0, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !isDigits(whole + fraction) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && math.IsInf(f, 0) {
		return f, true
	}
	return f, err == nil
}
