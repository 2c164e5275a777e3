package text

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// What is not here: the stack. A thrown exception has an empty StackTrace, so
// that ToString() ends where .NET goes on to list calls inside of the service.

var exceptionHooks = &clr.Hooks{Text: func(t *clr.Thread, v clr.Value) string { return exceptionText(t, v.O.(*clr.Thrown)) }}

// exceptionText is Exception.ToString().
func exceptionText(t *clr.Thread, e *clr.Thrown) string {
	var b strings.Builder
	ends := 0
	for ; e != nil; e = e.Inner {
		t.Step()
		t.Allocate(len(e.Message) + 128)
		b.WriteString(e.T.FullName())
		if m := e.Text(); m != "" {
			b.WriteString(": " + m)
		}
		if e.Inner != nil {
			b.WriteString(" ---> ")
			ends++
		}
	}
	for range ends {
		b.WriteString("\n   --- End of inner exception stack trace ---")
	}
	return b.String()
}

// results are the HRESULTs of exceptions; heirs have their base's.
var results = map[*clr.Type]uint32{
	clr.Exception:                   0x80131500,
	clr.SystemException:             0x80131501,
	clr.ArgumentException:           0x80070057,
	clr.ArgumentNullException:       0x80004003,
	clr.ArgumentOutOfRangeException: 0x80131502,
	clr.ArithmeticException:         0x80070216,
	clr.DivideByZeroException:       0x80020012,
	clr.OverflowException:           0x80131516,
	clr.FormatException:             0x80131537,
	clr.IndexOutOfRangeException:    0x80131508,
	clr.InvalidCastException:        0x80004002,
	clr.InvalidOperationException:   0x80131509,
	clr.ObjectDisposedException:     0x80131622,
	clr.NotImplementedException:     0x80004001,
	clr.NotSupportedException:       0x80131515,
	clr.NullReferenceException:      0x80004003,
	clr.RankException:               0x80131517,
	clr.ArrayTypeMismatchException:  0x80131503,
	clr.TimeoutException:            0x80131505,
	clr.OutOfMemoryException:        0x8007000E,
	clr.KeyNotFoundException:        0x80131577,
	clr.CryptographicException:      0x80131430,
	clr.SocketException:             0x80004005,
	clr.XmlException:                0x80131940,
}

func resultOf(e *clr.Thrown) int32 {
	if e.HResult != 0 {
		return e.HResult
	}
	for t := e.T; t != nil; t = t.Base() {
		if n, ok := results[t]; ok {
			return int32(n)
		}
	}
	return 0
}

// assemblyOf is where .NET's own exceptions of a type come from.
func assemblyOf(t *clr.Type) string {
	switch {
	case t.Namespace == "Newtonsoft.Json", t.Namespace == "System.Xml":
		return t.Namespace
	case t == clr.UriFormatException, t == clr.SocketException:
		return "System"
	}
	return "mscorlib"
}

func exceptionOf(c *clr.Call) *clr.Thrown { return c.Args[0].O.(*clr.Thrown) }

// orNull is a string, null where it is empty: nobody has set it.
func orNull(s string) clr.Value {
	if s == "" {
		return clr.Null
	}
	return clr.Str(s)
}

func newException(c *clr.Call) clr.Value {
	c.Allocate(128)
	e := &clr.Thrown{T: clr.Exception, Made: true}
	if len(c.Args) == 0 || c.Args[0].IsNull() {
		e.Bare = true
	} else {
		e.Message = c.Args[0].S
	}
	if len(c.Args) > 1 && !c.Args[1].IsNull() {
		e.Inner = c.Args[1].O.(*clr.Thrown)
	}
	return clr.Obj(e)
}

func typeOf(c *clr.Call) clr.Value { return clr.TypeOf(c.Args[0].Type()) }

var exceptionMembers = map[string]clr.Func{
	"new System.Exception()":                  newException,
	"new System.Exception(string)":            newException,
	"new System.Exception(string, Exception)": newException,

	"System.Exception.Message":    func(c *clr.Call) clr.Value { return clr.Str(exceptionOf(c).Text()) },
	"System.Exception.ToString()": func(c *clr.Call) clr.Value { return clr.Str(exceptionText(c.Thread, exceptionOf(c))) },
	"System.Exception.GetType()":  typeOf,
	"System.Exception.HResult":    func(c *clr.Call) clr.Value { return clr.Int(resultOf(exceptionOf(c))) },
	"System.Exception.InnerException": func(c *clr.Call) clr.Value {
		if inner := exceptionOf(c).Inner; inner != nil {
			return clr.Obj(inner)
		}
		return clr.Null
	},
	"System.Exception.GetBaseException()": func(c *clr.Call) clr.Value {
		e := exceptionOf(c)
		for e.Inner != nil {
			c.Step()
			e = e.Inner
		}
		return clr.Obj(e)
	},
	"System.Exception.StackTrace": func(c *clr.Call) clr.Value {
		if exceptionOf(c).Made {
			return clr.Null
		}
		return clr.Str("")
	},
	"System.Exception.HelpLink": func(c *clr.Call) clr.Value { return orNull(exceptionOf(c).HelpLink) },
	"System.Exception.HelpLink=": func(c *clr.Call) clr.Value {
		exceptionOf(c).HelpLink = c.Args[1].S
		return clr.Null
	},
	"System.Exception.Source": func(c *clr.Call) clr.Value {
		e := exceptionOf(c)
		if e.Source == "" && !e.Made {
			return clr.Str(assemblyOf(e.T))
		}
		return orNull(e.Source)
	},
	"System.Exception.Source=": func(c *clr.Call) clr.Value {
		exceptionOf(c).Source = c.Args[1].S
		return clr.Null
	},
}
