package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// exceptionData is Exception.Data: a dictionary in the order in which its
// entries came. It is looked through one by one, as .NET's own for few entries.
type exceptionData struct {
	entries []*Entry
	version int
}

var exceptionDataType = clr.Named("System.Collections", "ListDictionaryInternal", 0)

// Type is .NET's class, which expressions see as IDictionary.
func (*exceptionData) Type() *clr.Type { return exceptionDataType }

// Len is Count.
func (d *exceptionData) Len() int { return len(d.entries) }

// All gives out entries.
func (d *exceptionData) All(t *clr.Thread) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		version := d.version
		for i := 0; ; i++ {
			if d.version != version {
				t.Throw(clr.InvalidOperationException, "Collection was modified; enumeration operation may not execute.")
			}
			if i >= len(d.entries) {
				return
			}
			t.Step()
			if e := d.entries[i]; !yield(NewEntry(t, e.Key, e.Value)) {
				return
			}
		}
	}
}

func (d *exceptionData) find(t *clr.Thread, key clr.Value) int {
	for i, e := range d.entries {
		t.Step()
		if t.Equal(e.Key, key) {
			return i
		}
	}
	return -1
}

// Get is the value of a key.
func (d *exceptionData) Get(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	if i := d.find(t, key); i >= 0 {
		return d.entries[i].Value, true
	}
	return clr.Null, false
}

// Put sets the value of a key.
func (d *exceptionData) Put(t *clr.Thread, key, value clr.Value) {
	d.version++
	if i := d.find(t, key); i >= 0 {
		d.entries[i].Value = value
		return
	}
	t.Allocate(96)
	d.entries = append(d.entries, &Entry{key, value})
}

// Insert adds a key, which is not there yet.
func (d *exceptionData) Insert(t *clr.Thread, key, value clr.Value) {
	if i := d.find(t, key); i >= 0 {
		t.ThrowArgument("Item has already been added. Key in dictionary: '"+t.Text(d.entries[i].Key)+"'  Key being added: '"+t.Text(key)+"'", "")
	}
	d.Put(t, key, value)
}

// Delete takes a key out.
func (d *exceptionData) Delete(t *clr.Thread, key clr.Value) bool {
	d.version++
	i := d.find(t, key)
	if i >= 0 {
		d.entries = append(d.entries[:i], d.entries[i+1:]...)
	}
	return i >= 0
}

// Clear takes all out.
func (d *exceptionData) Clear(*clr.Thread) {
	d.version++
	d.entries = nil
}

// Keys are the keys as they are now; .NET's follow the dictionary.
func (d *exceptionData) Keys(t *clr.Thread) clr.Value { return d.list(t, false) }

// Values are the values as they are now.
func (d *exceptionData) Values(t *clr.Thread) clr.Value { return d.list(t, true) }

func (d *exceptionData) list(t *clr.Thread, values bool) clr.Value {
	t.Allocate(valueSize * len(d.entries))
	t.Work(len(d.entries))
	out := make([]clr.Value, len(d.entries))
	for i, e := range d.entries {
		if out[i] = e.Key; values {
			out[i] = e.Value
		}
	}
	return clr.Obj(t.NewList(clr.ObjectType, out))
}

func exceptionMembers() funcs {
	return funcs{
		"System.Exception.Data": func(c *clr.Call) clr.Value {
			e := c.Args[0].O.(*clr.Thrown)
			if e.Data == nil {
				c.Allocate(64)
				e.Data = &exceptionData{}
			}
			return clr.Obj(e.Data)
		},
	}
}
