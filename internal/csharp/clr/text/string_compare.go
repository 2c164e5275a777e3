package text

import (
	"hash/maphash"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// comparison is a StringComparison. The current culture is the invariant one.
type comparison struct{ ordinal, ignoreCase bool }

// comparisons are the values 0 to 5.
var comparisons = [6]comparison{{false, false}, {false, true}, {false, false}, {false, true}, {true, false}, {true, true}}

func comparisonOf(c *clr.Call, i int) comparison {
	n := c.Int(i)
	if n < 0 || n >= len(comparisons) {
		c.ThrowArgument(comparisonIsNone, "comparisonType")
	}
	return comparisons[n]
}

// bareComparison is comparisonOf where Mono's exception has no message.
func bareComparison(c *clr.Call, i int) {
	if n := c.Int(i); n < 0 || n >= len(comparisons) {
		c.Throw(clr.ArgumentException, "")
	}
}

func (how comparison) compare(t *clr.Thread, a, b string) int {
	t.Work((len(a) + len(b)) / 64)
	switch {
	case !how.ordinal:
		i := samePart(a, b)
		if a, b = a[i:], b[i:]; !clr.IsASCII(a) || !clr.IsASCII(b) {
			t.Work(2 * (len(a) + len(b)))
		}
		return Compare(a, b, how.ignoreCase)
	case how.ignoreCase:
		return compareFold(a, b)
	}
	return CompareOrdinal(a, b)
}

func (how comparison) equal(t *clr.Thread, a, b string) bool {
	t.Work(min(len(a), len(b)) / 64)
	switch {
	case a == b:
		return true
	case !how.ordinal:
		return how.compare(t, a, b) == 0
	case how.ignoreCase:
		t.Work(min(len(a), len(b)) / 8)
		return EqualFold(a, b)
	}
	return false
}

// hashText agrees with equal.
func hashText(t *clr.Thread, s string, how comparison) int32 {
	t.Work(len(s) / 16)
	switch {
	case !how.ordinal:
		t.Work(len(s))
		return hashWeights(s, how.ignoreCase)
	case how.ignoreCase:
		s = mapRunes(t, s, upper)
	}
	return int32(t.Hash(clr.Str(s)))
}

var weightSeed = maphash.MakeSeed()

func hashWeights(s string, ignoreCase bool) int32 {
	w := walker{s: s, ignoreCase: ignoreCase}
	var h maphash.Hash
	h.SetSeed(weightSeed)
	for {
		x, ok := w.next()
		if !ok {
			return int32(h.Sum64())
		}
		maphash.WriteComparable(&h, [4]uint64{x.primary, uint64(x.accent), uint64(x.kind), uint64(x.last)})
	}
}

// compareNull orders null before everything.
func compareNull(a, b clr.Value) (int, bool) {
	switch {
	case a.O == nil && b.O == nil:
		return 0, true
	case a.O == nil:
		return -1, true
	case b.O == nil:
		return 1, true
	}
	return 0, false
}

func compareWith(c *clr.Call, a, b clr.Value, how comparison) clr.Value {
	if n, done := compareNull(a, b); done {
		return clr.Int(int32(n))
	}
	return clr.Int(int32(how.compare(c.Thread, a.S, b.S)))
}

// sameText reports strings with the same characters, or two nulls.
func sameText(t *clr.Thread, a, b clr.Value) bool {
	if (a.O == nil) != (b.O == nil) || len(a.S) != len(b.S) {
		return false
	}
	t.Through(a.S)
	return a.S == b.S
}

func equalStrings(c *clr.Call) clr.Value {
	return clr.Bool(sameText(c.Thread, c.Args[0], c.Args[1]))
}

var stringCompareMembers = map[string]clr.Func{
	"System.String.Equals(string)":              equalStrings,
	"System.String.Equals(string, string)":      equalStrings,
	"System.String.operator ==(string, string)": equalStrings,
	"System.String.operator !=(string, string)": func(c *clr.Call) clr.Value { return clr.Bool(!equalStrings(c).Bool()) },
	"System.String.Equals(object)": func(c *clr.Call) clr.Value {
		return clr.Bool(c.Args[1].Is(clr.String) && sameText(c.Thread, c.Args[0], c.Args[1]))
	},
	"System.String.Equals(string, StringComparison)": func(c *clr.Call) clr.Value {
		return equalHow(c)
	},
	"System.String.Equals(string, string, StringComparison)": func(c *clr.Call) clr.Value {
		return equalHow(c)
	},

	"System.String.Compare(string, string)": func(c *clr.Call) clr.Value {
		return compareWith(c, c.Args[0], c.Args[1], comparison{})
	},
	"System.String.Compare(string, string, bool)": func(c *clr.Call) clr.Value {
		return compareWith(c, c.Args[0], c.Args[1], comparison{ignoreCase: c.Args[2].Bool()})
	},
	"System.String.Compare(string, string, StringComparison)": func(c *clr.Call) clr.Value {
		how := comparisonOf(c, 2)
		return compareWith(c, c.Args[0], c.Args[1], how)
	},
	"System.String.CompareTo(string)": func(c *clr.Call) clr.Value {
		return compareWith(c, c.Args[0], c.Args[1], comparison{})
	},
	"System.String.CompareTo(object)": func(c *clr.Call) clr.Value {
		if o := c.Args[1]; o.O != nil && !o.Is(clr.String) {
			c.ThrowArgument("Object must be of type String.", "")
		}
		return compareWith(c, c.Args[0], c.Args[1], comparison{})
	},

	"System.String.Compare(string, int, string, int, int)": func(c *clr.Call) clr.Value {
		return compareParts(c, comparison{})
	},
	"System.String.Compare(string, int, string, int, int, bool)": func(c *clr.Call) clr.Value {
		return compareParts(c, comparison{ignoreCase: c.Args[5].Bool()})
	},
	"System.String.Compare(string, int, string, int, int, StringComparison)": func(c *clr.Call) clr.Value {
		bareComparison(c, 5)
		how := comparisonOf(c, 5)
		if !how.ordinal {
			return compareParts(c, how)
		}
		return compareOrdinalParts(c, how, negativeLength)
	},
	"System.String.CompareOrdinal(string, string)": func(c *clr.Call) clr.Value {
		return compareWith(c, c.Args[0], c.Args[1], comparison{ordinal: true})
	},
	"System.String.CompareOrdinal(string, int, string, int, int)": func(c *clr.Call) clr.Value {
		return compareOrdinalParts(c, comparison{ordinal: true}, negativeCount)
	},
}

// equalHow is Equals with a StringComparison as the last argument. Mono gives
// no message where the texts are the same object, or one is null.
func equalHow(c *clr.Call) clr.Value {
	a, b := c.Args[0], c.Args[1]
	if same := sameText(c.Thread, a, b); same || a.O == nil || b.O == nil {
		bareComparison(c, 2)
		return clr.Bool(same)
	}
	how := comparisonOf(c, 2)
	return clr.Bool(how.equal(c.Thread, a.S, b.S))
}

// compareParts compares parts in the culture: texts and places by turns, then
// the length.
func compareParts(c *clr.Call, how comparison) clr.Value {
	a, b, n := c.Args[0], c.Args[2], c.Int(4)
	fromA, fromB := c.Int(1), c.Int(3)
	lenA, lenB := n, n
	if a.O != nil {
		lenA = min(n, length(c.Thread, a.S)-fromA)
	}
	if b.O != nil {
		lenB = min(n, length(c.Thread, b.S)-fromB)
	}
	const position = "Offset and length must refer to a position in the string."
	switch {
	case lenA < 0:
		c.ThrowRange("length1", "Positive number required.")
	case lenB < 0:
		c.ThrowRange("length2", "Positive number required.")
	case fromA < 0:
		c.ThrowRange("offset1", "Positive number required.")
	case fromB < 0:
		c.ThrowRange("offset2", "Positive number required.")
	case a.O == nil && fromA+lenA > 0:
		c.ThrowRange("string1", position)
	case b.O == nil && fromB+lenB > 0:
		c.ThrowRange("string2", position)
	}
	if v, done := compareNull(a, b); done {
		return clr.Int(int32(v))
	}
	return clr.Int(int32(how.compare(c.Thread, slice(a.S, fromA, fromA+lenA), slice(b.S, fromB, fromB+lenB))))
}

func compareOrdinalParts(c *clr.Call, how comparison, negative string) clr.Value {
	a, b, n := c.Args[0], c.Args[2], c.Int(4)
	fromA, fromB := c.Int(1), c.Int(3)
	if v, done := compareNull(a, b); done {
		return clr.Int(int32(v))
	}
	lenA, lenB := length(c.Thread, a.S), length(c.Thread, b.S)
	if n < 0 {
		c.ThrowRange("length", negative)
	}
	if fromA < 0 || lenA-fromA < 0 {
		c.ThrowRange("indexA", indexMessage)
	}
	if fromB < 0 || lenB-fromB < 0 {
		c.ThrowRange("indexB", indexMessage)
	}
	x := slice(a.S, fromA, fromA+min(n, lenA-fromA))
	y := slice(b.S, fromB, fromB+min(n, lenB-fromB))
	c.Work((len(x) + len(y)) / 32)
	if how.ignoreCase {
		return clr.Int(int32(compareFold(x, y)))
	}
	c.Allocate(2 * (len(x) + len(y)))
	return clr.Int(int32(compareUnits(clr.Units(x), clr.Units(y))))
}
