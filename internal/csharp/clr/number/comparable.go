package number

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// comparableMembers are those of the interfaces that all ordered types have.
// Each goes to the member of the object's own type, which says the difference
// and the error in its own way.
var comparableMembers = funcs{
	"System.IComparable.CompareTo(object)": func(c *clr.Call) clr.Value {
		return compareAs(c, clr.ObjectType)
	},
	"System.IComparable<T>.CompareTo(T)": func(c *clr.Call) clr.Value {
		return compareAs(c, c.In.Args[0])
	},
	"System.IEquatable<T>.Equals(T)": func(c *clr.Call) clr.Value { return clr.Bool(c.Equal(c.Args[0], c.Args[1])) },
}

// compareAs calls the CompareTo of the receiver that takes a param.
func compareAs(c *clr.Call, param *clr.Type) clr.Value {
	of := self(c).Type()
	for _, m := range of.Members("CompareTo") {
		if len(m.Params) == 1 && m.Params[0].Type == param && m.Do != nil {
			return m.Do(&clr.Call{Thread: c.Thread, Args: c.Args, In: of, Result: m.Result})
		}
	}
	return clr.Int(int32(c.Compare(self(c), c.Args[1])))
}
