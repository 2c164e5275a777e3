package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// view is a dictionary's KeyCollection or ValueCollection: what is in the
// dictionary at the moment.
type view struct {
	T      *clr.Type
	d      *Dictionary
	values bool
}

func (v *view) Type() *clr.Type { return v.T }

func (v *view) Len() int { return v.d.count() }

func (v *view) All(t *clr.Thread) iter.Seq[clr.Value] { return v.d.entries(t, v.of) }

func (v *view) of(s *slot) clr.Value {
	if v.values {
		return s.value
	}
	return s.key
}

func (v *view) Contains(t *clr.Thread, x clr.Value) bool {
	if !v.values {
		_, ok := v.d.Get(t, x)
		return ok
	}
	for i := range v.d.slots {
		t.Step()
		if v.d.used(i) && t.Equal(v.d.slots[i].value, x) {
			return true
		}
	}
	return false
}

func (v *view) ReadOnly() bool { return true }

func (v *view) Add(t *clr.Thread, _ clr.Value)         { v.refuse(t) }
func (v *view) Clear(t *clr.Thread)                    { v.refuse(t) }
func (v *view) Remove(t *clr.Thread, _ clr.Value) bool { v.refuse(t); return false }

func (v *view) refuse(t *clr.Thread) {
	what := "key"
	if v.values {
		what = "value"
	}
	t.Throw(clr.NotSupportedException, "Mutating a "+what+" collection derived from a dictionary is not allowed.")
}

// Keys are the dictionary's keys.
func (d *Dictionary) Keys(t *clr.Thread) clr.Value { return d.view(t, keyCollection, false) }

// Values are the dictionary's values.
func (d *Dictionary) Values(t *clr.Thread) clr.Value { return d.view(t, valueCollection, true) }

func (d *Dictionary) view(t *clr.Thread, of *clr.Type, values bool) clr.Value {
	t.Allocate(48)
	return clr.Obj(&view{of.Of(d.T.Args...), d, values})
}

func viewMembers() funcs {
	out := funcs{}
	for _, kind := range [...]struct{ name, arg string }{{"KeyCollection", "TKey"}, {"ValueCollection", "TValue"}} {
		key := dictionaryKey + "." + kind.name
		out[key+".CopyTo("+kind.arg+"[], int)"] = copyTo("index")
		out[key+".Count"] = func(c *clr.Call) clr.Value { return clr.Int(int32(c.Args[0].O.(*view).Len())) }
		out[key+".GetEnumerator()"] = enumerate
	}
	return out
}
