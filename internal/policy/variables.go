package policy

import (
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Variables are the variables of one request, in the order in which they were
// first set. They are few: a list is faster than a map.
type Variables struct {
	list []variable
	// journal notes what is set; nil: nobody asks.
	journal *journal
}

type variable struct {
	name  string
	value clr.Value
}

// Set gives a variable a value. Names have case, as in C#.
func (v *Variables) Set(name string, value clr.Value) {
	v.journal.add(name)
	for i := range v.list {
		if v.list[i].name == name {
			v.list[i].value = value
			return
		}
	}
	v.list = append(v.list, variable{name, value})
}

// Get is the value of a variable.
func (v *Variables) Get(name string) (clr.Value, bool) {
	for i := range v.list {
		if v.list[i].name == name {
			return v.list[i].value, true
		}
	}
	return clr.Null, false
}

// remove takes a variable away.
func (v *Variables) remove(name string) {
	v.journal.add(name)
	v.list = slices.DeleteFunc(v.list, func(k variable) bool { return k.name == name })
}

// Each goes through the variables until f is false.
func (v *Variables) Each(f func(name string, value clr.Value) bool) {
	for _, k := range v.list {
		if !f(k.name, k.value) {
			return
		}
	}
}

// Len is how many there are.
func (v *Variables) Len() int { return len(v.list) }

// clone is a copy that changes alone.
func (v *Variables) clone() Variables { return Variables{list: slices.Clone(v.list)} }
