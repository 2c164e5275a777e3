package number

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

var randomType = clr.Named("System", "Random", 0)

// Random is a System.Random: Knuth's subtractive generator as .NET has it, so
// that a seed gives the same numbers there.
type Random struct {
	seeds       [56]int32
	next, next1 int
}

// Type is System.Random.
func (*Random) Type() *clr.Type { return randomType }

// NewRandom makes the generator of a seed.
func NewRandom(seed int32) *Random {
	r := &Random{next1: 21}
	if seed == math.MinInt32 {
		seed++
	}
	if seed < 0 {
		seed = -seed
	}
	last, k := 161803398-seed, int32(1)
	r.seeds[55] = last
	for i := 1; i < 55; i++ {
		at := 21 * i % 55
		r.seeds[at] = k
		if k = last - k; k < 0 {
			k += math.MaxInt32
		}
		last = r.seeds[at]
	}
	for range 4 {
		for i := 1; i < 56; i++ {
			r.seeds[i] -= r.seeds[1+(i+30)%55]
			if r.seeds[i] < 0 {
				r.seeds[i] += math.MaxInt32
			}
		}
	}
	return r
}

// Next is below int.MaxValue.
func (r *Random) Next() int32 {
	if r.next++; r.next > 55 {
		r.next = 1
	}
	if r.next1++; r.next1 > 55 {
		r.next1 = 1
	}
	n := r.seeds[r.next] - r.seeds[r.next1]
	if n == math.MaxInt32 {
		n--
	}
	if n < 0 {
		n += math.MaxInt32
	}
	r.seeds[r.next] = n
	return n
}

// Float is at least 0 and below 1.
func (r *Random) Float() float64 { return float64(r.Next()) * (1.0 / math.MaxInt32) }

// Between is at least low and below high, if they differ.
func (r *Random) Between(low, high int32) int32 {
	if span := int64(high) - int64(low); span > math.MaxInt32 {
		n := int64(r.Next())
		if r.Next()%2 == 0 {
			n = -n
		}
		f := (float64(n) + (math.MaxInt32 - 1)) / (2*math.MaxInt32 - 1)
		return int32(int64(f*float64(span)) + int64(low))
	}
	return int32(r.Float()*float64(int64(high)-int64(low))) + low
}

func random(c *clr.Call) *Random { return c.Args[0].O.(*Random) }

var randomMembers = funcs{
	"new System.Random()": func(c *clr.Call) clr.Value {
		var seed [4]byte
		if _, err := io.ReadFull(c.Random, seed[:]); err != nil {
			panic("number: no random bytes: " + err.Error())
		}
		return newRandom(c, int32(binary.LittleEndian.Uint32(seed[:])))
	},
	"new System.Random(int)": func(c *clr.Call) clr.Value { return newRandom(c, int32(c.Int(0))) },
	"System.Random.Next()":   func(c *clr.Call) clr.Value { return clr.Int(random(c).Next()) },
	"System.Random.Next(int)": func(c *clr.Call) clr.Value {
		high := int32(c.Int(1))
		if high < 0 {
			c.ThrowRange("maxValue", "'maxValue' must be greater than zero.")
		}
		return clr.Int(int32(random(c).Float() * float64(high)))
	},
	"System.Random.Next(int, int)": func(c *clr.Call) clr.Value {
		low, high := int32(c.Int(1)), int32(c.Int(2))
		if low > high {
			c.ThrowRange("minValue", "'minValue' cannot be greater than maxValue.")
		}
		return clr.Int(random(c).Between(low, high))
	},
	"System.Random.NextDouble()": func(c *clr.Call) clr.Value { return clr.Float(random(c).Float()) },
	"System.Random.NextBytes(byte[])": func(c *clr.Call) clr.Value {
		b, r := bytesOf(c, 1, "buffer"), random(c)
		c.Work(len(b))
		for i := range b {
			b[i] = byte(r.Next() % 256)
		}
		return clr.Null
	},
}

func newRandom(c *clr.Call, seed int32) clr.Value {
	c.Work(300)
	c.Allocate(256)
	return clr.Obj(NewRandom(seed))
}
