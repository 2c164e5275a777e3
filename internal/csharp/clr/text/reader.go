package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Reader is a StringReader. What is read is cut off, so that no place is
// looked for again.
type Reader struct {
	rest   string
	closed bool
}

var readerType = clr.Named("System.IO", "StringReader", 0)

// Type is StringReader.
func (*Reader) Type() *clr.Type { return readerType }

// Rest is what has not been read yet, for what reads from a TextReader; it
// counts as read. It throws where the reader is closed.
func (r *Reader) Rest(t *clr.Thread) string {
	if r.closed {
		t.Throw(clr.ObjectDisposedException, "Cannot read from a closed TextReader.")
	}
	s := r.rest
	r.rest = ""
	return s
}

func reader(c *clr.Call) *Reader {
	r := c.Args[0].O.(*Reader)
	if r.closed {
		c.Throw(clr.ObjectDisposedException, "Cannot read from a closed TextReader.")
	}
	return r
}

func closeReader(c *clr.Call) clr.Value {
	*c.Args[0].O.(*Reader) = Reader{closed: true}
	return clr.Null
}

// peekUnit is the next code unit; -1: there is none.
func (r *Reader) peekUnit() int {
	if r.rest == "" {
		return -1
	}
	return int(clr.CharAt(r.rest, 0))
}

// take reads n code units, which are there.
func (r *Reader) take(n int) string {
	at, half := clr.Offset(r.rest, n)
	if !half {
		s := r.rest[:at]
		r.rest = r.rest[at:]
		return s
	}
	// A character is torn: its second half stays.
	_, size := clr.Decode(r.rest[at:])
	pair := clr.Units(r.rest[at : at+size])
	s := r.rest[:at] + clr.FromUnits(pair[:1])
	r.rest = clr.FromUnits(pair[1:]) + r.rest[at+size:]
	return s
}

func readLine(c *clr.Call) clr.Value {
	r := reader(c)
	if r.rest == "" {
		return clr.Null
	}
	i := strings.IndexAny(r.rest, "\r\n")
	if i < 0 {
		i = len(r.rest)
	}
	c.Work(i / 64)
	line := r.rest[:i]
	r.rest = r.rest[i:]
	if !strings.HasPrefix(r.rest, "\r\n") {
		r.rest = r.rest[min(1, len(r.rest)):]
	} else {
		r.rest = r.rest[2:]
	}
	return clr.Str(line)
}

// bufferPart checks a buffer, index and count.
func bufferPart(c *clr.Call) (to *clr.ArrayObject, from, n int) {
	if c.Args[1].O == nil {
		throwNull("Buffer cannot be null.", "buffer")
	}
	to, from, n = c.Args[1].O.(*clr.ArrayObject), c.Int(2), c.Int(3)
	switch {
	case from < 0:
		c.ThrowRange("index", nonNegative)
	case n < 0:
		c.ThrowRange("count", nonNegative)
	case to.Len()-from < n:
		c.ThrowArgument("Offset and length were out of bounds for the array or count is greater than the number of elements from index to the end of the source collection.", "")
	}
	return to, from, n
}

func readBlock(c *clr.Call) clr.Value {
	to, from, n := bufferPart(c)
	r := reader(c)
	c.Work(n / 8)
	if n > len(r.rest)/3 { // three bytes are a code unit at least
		n = min(n, length(c.Thread, r.rest))
	}
	putChars(to, from, r.take(n))
	return clr.Int(int32(n))
}

// lease is what a remote call would be kept alive by. Nobody calls from
// elsewhere, so it says nothing but its name.
type lease struct{ _ byte }

var leaseType = clr.Named("System.Runtime.Remoting.Lifetime", "Lease", 0)

// Type is Lease.
func (*lease) Type() *clr.Type { return leaseType }

func newLease(c *clr.Call) clr.Value {
	c.Allocate(16)
	return clr.Obj(&lease{})
}

var readerMembers = map[string]clr.Func{
	"new System.IO.StringReader(string)": func(c *clr.Call) clr.Value {
		s := c.Text(0, "s")
		c.Allocate(48)
		return clr.Obj(&Reader{rest: s})
	},
	"System.IO.StringReader.Close()":   closeReader,
	"System.IO.StringReader.Dispose()": closeReader,
	"System.IO.StringReader.Peek()":    func(c *clr.Call) clr.Value { return clr.Int(int32(reader(c).peekUnit())) },
	"System.IO.StringReader.Read()": func(c *clr.Call) clr.Value {
		r := reader(c)
		u := r.peekUnit()
		if u >= 0 {
			r.take(1)
		}
		return clr.Int(int32(u))
	},
	"System.IO.StringReader.Read(char[], int, int)":      readBlock,
	"System.IO.StringReader.ReadBlock(char[], int, int)": readBlock,
	"System.IO.StringReader.ReadLine()":                  readLine,
	"System.IO.StringReader.ReadToEnd()":                 func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Reader).Rest(c.Thread)) },
	"System.IO.StringReader.GetLifetimeService()":        func(*clr.Call) clr.Value { return clr.Null },
	"System.IO.StringReader.InitializeLifetimeService()": newLease,
}
