package json

import (
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/csharp/clr/number"
	"github.com/cloister-ai/cloister/internal/csharp/clr/regex"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// members are those of other families that conversions go through, by key.
var members = sync.OnceValue(func() map[string]clr.Func {
	all := map[string]clr.Func{}
	for _, f := range []clr.Family{number.Family(), text.Family(), clock.Family(), regex.Family()} {
		for key, do := range f.Do {
			all[key] = do
		}
	}
	return all
})

// call calls a static member, or a constructor, of another family.
func call(t *clr.Thread, key string, args ...clr.Value) clr.Value {
	do := members()[key]
	if do == nil {
		panic("json: no member " + key)
	}
	t.Step()
	return do(&clr.Call{Thread: t, Args: args})
}

// convert is Convert.ToXxx(object) in the invariant culture.
func convert(t *clr.Thread, v clr.Value, to *clr.Type) clr.Value {
	if v.Type() == to {
		return v
	}
	if v.Type() == clr.Int64 && clr.CheckNumber(v, to) && isInteger(to) {
		return clr.ConvertNumber(v, to)
	}
	return call(t, "System.Convert.To"+to.Name+"(object)", v)
}

// offsetOf is new DateTimeOffset(DateTime).
func offsetOf(t *clr.Thread, v clr.Value) clr.Value {
	return call(t, "new System.DateTimeOffset(DateTime)", v)
}

// member is a value's own member, which another family has: the getter of a
// property, or a method without arguments.
func member(t *clr.Thread, v clr.Value, name string) clr.Value {
	for typ := v.Type(); typ != nil; typ = typ.Base() {
		for _, m := range typ.Members(name) {
			if !m.Static && len(m.Params) == 0 && m.Code != nil && m.Do != nil {
				return m.Do(&clr.Call{Thread: t, Args: []clr.Value{v}, In: typ, Result: m.Result})
			}
		}
	}
	panic("json: " + v.Type().FullName() + " has no " + name)
}

// construct calls the constructor of a type that takes these values; false:
// there is none.
func construct(t *clr.Thread, typ *clr.Type, args ...clr.Value) (clr.Value, bool) {
	for _, m := range typ.Members(".ctor") {
		if len(m.Params) != len(args) || m.Code == nil || m.Do == nil {
			continue
		}
		fits := true
		for i, p := range m.Params {
			fits = fits && args[i].O != nil && args[i].Type().AssignableTo(p.Type)
		}
		if fits {
			return m.Do(&clr.Call{Thread: t, Args: args, In: typ, Result: typ}), true
		}
	}
	return clr.Null, false
}
