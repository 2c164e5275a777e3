package collection

import (
	"iter"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Dictionary is Dictionary<TKey, TValue>.
type Dictionary struct {
	T *clr.Type
	table
	pair *clr.Type // KeyValuePair<TKey, TValue>
}

// NewDictionary makes a Dictionary<key, value> that compares by cmp, or by
// Equals where it is nil.
func NewDictionary(t *clr.Thread, key, value *clr.Type, cmp EqualityComparer) *Dictionary {
	return newDictionary(t, clr.DictionaryOf.Of(key, value), cmp)
}

func newDictionary(t *clr.Thread, of *clr.Type, cmp EqualityComparer) *Dictionary {
	t.Allocate(128)
	return &Dictionary{T: of, table: table{cmp: cmp}, pair: clr.KeyValuePairOf.Of(of.Args...)}
}

// Type is the dictionary's.
func (d *Dictionary) Type() *clr.Type { return d.T }

// Len is Count.
func (d *Dictionary) Len() int { return d.count() }

// All goes through the pairs; a change meanwhile throws.
func (d *Dictionary) All(t *clr.Thread) iter.Seq[clr.Value] {
	return d.entries(t, func(s *slot) clr.Value { return NewPair(t, d.pair, s.key, s.value) })
}

// entries goes through the slots that are used.
func (h *table) entries(t *clr.Thread, of func(s *slot) clr.Value) iter.Seq[clr.Value] {
	return func(yield func(clr.Value) bool) {
		version := h.version
		for i := 0; ; i++ {
			if h.version != version {
				throwChanged(t)
			}
			for i < len(h.slots) && !h.used(i) {
				t.Step()
				i++
			}
			if i >= len(h.slots) {
				return
			}
			t.Step()
			if !yield(of(&h.slots[i])) {
				return
			}
		}
	}
}

func throwChanged(t *clr.Thread) {
	t.Throw(clr.InvalidOperationException, "Collection was modified; enumeration operation may not execute.")
}

// Get is the value of a key.
func (d *Dictionary) Get(t *clr.Thread, key clr.Value) (clr.Value, bool) {
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	if i := d.find(t, key); i >= 0 {
		return d.slots[i].value, true
	}
	return clr.Null, false
}

// Put sets the value of a key.
func (d *Dictionary) Put(t *clr.Thread, key, value clr.Value) {
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	d.put(t, key, value, false)
}

// Insert adds a key, and throws where it is there.
func (d *Dictionary) Insert(t *clr.Thread, key, value clr.Value) {
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	if !d.put(t, key, value, true) {
		t.ThrowArgument("An item with the same key has already been added. Key: "+t.Text(key), "")
	}
}

// Delete takes a key out.
func (d *Dictionary) Delete(t *clr.Thread, key clr.Value) bool {
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	_, ok := d.remove(t, key)
	return ok
}

// Clear takes everything out.
func (d *Dictionary) Clear(t *clr.Thread) { d.clear(t) }

// Contains is ICollection<KeyValuePair<TKey, TValue>>.Contains.
func (d *Dictionary) Contains(t *clr.Thread, v clr.Value) bool {
	p := v.O.(*Pair)
	got, ok := d.Get(t, p.Key)
	return ok && t.Equal(got, p.Value)
}

// Add is ICollection<KeyValuePair<TKey, TValue>>.Add.
func (d *Dictionary) Add(t *clr.Thread, v clr.Value) {
	p := v.O.(*Pair)
	d.Insert(t, p.Key, p.Value)
}

// Remove is ICollection<KeyValuePair<TKey, TValue>>.Remove.
func (d *Dictionary) Remove(t *clr.Thread, v clr.Value) bool {
	return d.Contains(t, v) && d.Delete(t, v.O.(*Pair).Key)
}

// item is the indexer of a map.
func item(t *clr.Thread, m Map, key clr.Value) clr.Value {
	if i, ok := m.(Item); ok {
		return i.Item(t, key)
	}
	if key.O == nil {
		t.ThrowArgumentNull("key")
	}
	v, ok := m.Get(t, key)
	if !ok {
		t.Throw(clr.KeyNotFoundException, "The given key '"+t.Text(key)+"' was not present in the dictionary.")
	}
	return v
}

const dictionaryKey = "System.Collections.Generic.Dictionary<TKey, TValue>"

func dictionaryMembers() funcs {
	dict := func(c *clr.Call) *Dictionary { return c.Args[0].O.(*Dictionary) }
	const n = "new " + dictionaryKey
	return funcs{
		n + "()": func(c *clr.Call) clr.Value { return clr.Obj(newDictionary(c.Thread, c.In, nil)) },
		n + "(int)": func(c *clr.Call) clr.Value {
			return clr.Obj(sizedDictionary(c, nil))
		},
		n + "(int, IEqualityComparer<TKey>)": func(c *clr.Call) clr.Value {
			return clr.Obj(sizedDictionary(c, equality(c.Args[1])))
		},
		n + "(IEqualityComparer<TKey>)": func(c *clr.Call) clr.Value {
			return clr.Obj(newDictionary(c.Thread, c.In, equality(c.Args[0])))
		},
		n + "(IDictionary<TKey, TValue>)":                                        copyDictionary("dictionary"),
		n + "(IDictionary<TKey, TValue>, IEqualityComparer<TKey>)":               copyDictionary("dictionary"),
		n + "(IEnumerable<KeyValuePair<TKey, TValue>>)":                          copyDictionary("collection"),
		n + "(IEnumerable<KeyValuePair<TKey, TValue>>, IEqualityComparer<TKey>)": copyDictionary("collection"),

		dictionaryKey + ".Add(TKey, TValue)": func(c *clr.Call) clr.Value {
			dict(c).Insert(c.Thread, c.Args[1], c.Args[2])
			return clr.Null
		},
		dictionaryKey + ".Clear()": func(c *clr.Call) clr.Value {
			dict(c).Clear(c.Thread)
			return clr.Null
		},
		dictionaryKey + ".Comparer": func(c *clr.Call) clr.Value {
			return comparerValue(dict(c).cmp, dict(c).T.Args[0])
		},
		dictionaryKey + ".ContainsKey(TKey)": func(c *clr.Call) clr.Value {
			_, ok := dict(c).Get(c.Thread, c.Args[1])
			return clr.Bool(ok)
		},
		dictionaryKey + ".ContainsValue(TValue)": func(c *clr.Call) clr.Value {
			d := dict(c)
			for i := range d.slots {
				c.Step()
				if d.used(i) && c.Equal(d.slots[i].value, c.Args[1]) {
					return clr.Bool(true)
				}
			}
			return clr.Bool(false)
		},
		dictionaryKey + ".Count":                     func(c *clr.Call) clr.Value { return clr.Int(int32(dict(c).count())) },
		dictionaryKey + ".EnsureCapacity(int)":       func(c *clr.Call) clr.Value { return ensure(c, &dict(c).table) },
		dictionaryKey + ".GetEnumerator()":           func(c *clr.Call) clr.Value { return dict(c).enumerator(c.Thread) },
		dictionaryKey + ".Keys":                      func(c *clr.Call) clr.Value { return dict(c).Keys(c.Thread) },
		dictionaryKey + ".Values":                    func(c *clr.Call) clr.Value { return dict(c).Values(c.Thread) },
		dictionaryKey + ".OnDeserialization(object)": func(c *clr.Call) clr.Value { return clr.Null },
		dictionaryKey + ".Remove(TKey)": func(c *clr.Call) clr.Value {
			return clr.Bool(dict(c).Delete(c.Thread, c.Args[1]))
		},
		dictionaryKey + ".Remove(TKey, out TValue)": func(c *clr.Call) clr.Value {
			d := dict(c)
			c.NotNull(1, "key")
			v, ok := d.remove(c.Thread, c.Args[1])
			if !ok {
				v = clr.Zero(d.T.Args[1])
			}
			c.Ref(2).Set(v)
			return clr.Bool(ok)
		},
		dictionaryKey + ".TrimExcess()": func(c *clr.Call) clr.Value {
			trim(c, &dict(c).table, dict(c).count())
			return clr.Null
		},
		dictionaryKey + ".TrimExcess(int)": func(c *clr.Call) clr.Value {
			if c.Int(1) < dict(c).count() {
				throwOutOfRange(c.Thread, "capacity")
			}
			trim(c, &dict(c).table, c.Int(1))
			return clr.Null
		},
		dictionaryKey + ".TryAdd(TKey, TValue)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "key")
			return clr.Bool(dict(c).put(c.Thread, c.Args[1], c.Args[2], true))
		},
		dictionaryKey + ".TryGetValue(TKey, out TValue)": tryGet,
		dictionaryKey + ".this[TKey]":                    func(c *clr.Call) clr.Value { return item(c.Thread, dict(c), c.Args[1]) },
		dictionaryKey + ".this[TKey]=": func(c *clr.Call) clr.Value {
			dict(c).Put(c.Thread, c.Args[1], c.Args[2])
			return clr.Null
		},
	}
}

// tryGet is TryGetValue of every map.
func tryGet(c *clr.Call) clr.Value {
	c.NotNull(1, "key")
	v, ok := c.Args[0].O.(Map).Get(c.Thread, c.Args[1])
	if !ok {
		v = clr.Null
		if args := c.Args[0].O.Type().Args; len(args) == 2 {
			v = clr.Zero(args[1])
		} else if c.In != nil && len(c.In.Args) == 2 {
			v = clr.Zero(c.In.Args[1])
		}
	}
	c.Ref(2).Set(v)
	return clr.Bool(ok)
}

func sizedDictionary(c *clr.Call, cmp EqualityComparer) *Dictionary {
	d := newDictionary(c.Thread, c.In, cmp)
	if c.Int(0) < 0 {
		throwOutOfRange(c.Thread, "capacity")
	}
	if c.Int(0) > 0 {
		d.resize(c.Thread, prime(c.Int(0)))
	}
	return d
}

// copyDictionary makes a dictionary of the pairs of another, or of a sequence.
func copyDictionary(param string) clr.Func {
	return func(c *clr.Call) clr.Value {
		c.NotNull(0, param)
		d := newDictionary(c.Thread, c.In, equality(c.Get(1)))
		if s, ok := c.Args[0].O.(Sized); ok && s.Len() > 0 {
			d.resize(c.Thread, prime(s.Len()))
		}
		for v := range source(c.Thread, c.Args[0], param, d.pair).All(c.Thread) {
			d.Add(c.Thread, v)
		}
		return clr.Obj(d)
	}
}

// ensure is EnsureCapacity(n) of a table.
func ensure(c *clr.Call, h *table) clr.Value {
	n := c.Int(1)
	if n < 0 {
		throwOutOfRange(c.Thread, "capacity")
	}
	if h.capacity >= n {
		return clr.Int(int32(h.capacity))
	}
	h.version++
	h.resize(c.Thread, prime(n))
	return clr.Int(int32(h.capacity))
}

// trim is TrimExcess(n).
func trim(c *clr.Call, h *table, n int) {
	n = prime(n)
	if n >= h.capacity {
		return
	}
	h.version++
	h.compact(c.Thread, n)
}

// throwOutOfRange is an ArgumentOutOfRangeException with .NET's own message.
func throwOutOfRange(t *clr.Thread, param string) {
	t.ThrowRange(param, "Specified argument was out of the range of valid values.")
}
