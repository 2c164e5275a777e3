package text

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Writer is a StringWriter.
type Writer struct {
	b       *Builder
	newLine string
	closed  bool
}

var writerType = clr.Named("System.IO", "StringWriter", 0)

// Type is StringWriter.
func (*Writer) Type() *clr.Type { return writerType }

var writerHooks = &clr.Hooks{Text: func(t *clr.Thread, v clr.Value) string {
	b := v.O.(*Writer).b
	return b.text(t, 0, b.Len())
}}

// Write is StringWriter.Write(s), for what writes to a TextWriter.
func (w *Writer) Write(t *clr.Thread, s string) {
	if w.closed {
		t.Throw(clr.ObjectDisposedException, "Cannot write to a closed TextWriter.")
	}
	w.b.Append(t, s)
}

// writerEncoding is what StringWriter.Encoding says: UTF-16 without a preamble.
var writerEncoding = func() *Encoding {
	e := *utf16Encoding
	e.preamble = ""
	return &e
}()

// write makes Write(…), or WriteLine(…) of what its arguments make.
func write(line bool, text func(c *clr.Call) string) clr.Func {
	return func(c *clr.Call) clr.Value {
		w := c.Args[0].O.(*Writer)
		s := text(c)
		if line {
			s += w.newLine
		}
		w.Write(c.Thread, s)
		return clr.Null
	}
}

func closeWriter(c *clr.Call) clr.Value {
	c.Args[0].O.(*Writer).closed = true
	return clr.Null
}

// written are the texts that Write and WriteLine make, by their parameters.
var written = func() map[string]func(c *clr.Call) string {
	out := map[string]func(c *clr.Call) string{
		"char[]": func(c *clr.Call) string { return charsText(c, 1) },
		"char[], int, int": func(c *clr.Call) string {
			a, from, n := bufferPart(c)
			return fromChars(c, charsOf(a, from, n)).S
		},
		"string, object[]": func(c *clr.Call) string { return formatArgs(c, 1) },
	}
	for _, one := range []string{"bool", "char", "decimal", "double", "float", "int", "long", "object", "string", "uint", "ulong"} {
		out[one] = func(c *clr.Call) string { return c.Thread.Text(c.Args[1]) }
	}
	for _, some := range []string{"string, object", "string, object, object", "string, object, object, object"} {
		out[some] = func(c *clr.Call) string { return FormatComposite(c.Thread, c.Text(1, "format"), c.Args[2:]) }
	}
	return out
}()

var writerMembers = func() map[string]clr.Func {
	out := map[string]clr.Func{
		"new System.IO.StringWriter()": func(c *clr.Call) clr.Value {
			c.Allocate(128)
			return clr.Obj(&Writer{b: NewBuilder(), newLine: "\n"})
		},
		"new System.IO.StringWriter(StringBuilder)": func(c *clr.Call) clr.Value {
			if c.Args[0].O == nil {
				throwNull("Buffer cannot be null.", "sb")
			}
			c.Allocate(64)
			return clr.Obj(&Writer{b: c.Args[0].O.(*Builder), newLine: "\n"})
		},
		"System.IO.StringWriter.Close()":                     closeWriter,
		"System.IO.StringWriter.Dispose()":                   closeWriter,
		"System.IO.StringWriter.Flush()":                     func(*clr.Call) clr.Value { return clr.Null },
		"System.IO.StringWriter.Encoding":                    func(*clr.Call) clr.Value { return clr.Obj(writerEncoding) },
		"System.IO.StringWriter.GetStringBuilder()":          func(c *clr.Call) clr.Value { return clr.Obj(c.Args[0].O.(*Writer).b) },
		"System.IO.StringWriter.ToString()":                  func(c *clr.Call) clr.Value { return clr.Str(c.Thread.Text(c.Args[0])) },
		"System.IO.StringWriter.GetLifetimeService()":        func(*clr.Call) clr.Value { return clr.Null },
		"System.IO.StringWriter.InitializeLifetimeService()": newLease,
		"System.IO.StringWriter.NewLine":                     func(c *clr.Call) clr.Value { return clr.Str(c.Args[0].O.(*Writer).newLine) },
		"System.IO.StringWriter.NewLine=": func(c *clr.Call) clr.Value {
			w := c.Args[0].O.(*Writer)
			if w.newLine = c.Args[1].S; c.Args[1].O == nil {
				w.newLine = "\n"
			}
			return clr.Null
		},
		"System.IO.StringWriter.WriteLine()": write(true, func(*clr.Call) string { return "" }),
	}
	for params, text := range written {
		out["System.IO.StringWriter.Write("+params+")"] = write(false, text)
		out["System.IO.StringWriter.WriteLine("+params+")"] = write(true, text)
	}
	return out
}()
