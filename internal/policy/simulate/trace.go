package simulate

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// Entry is one policy that ran.
type Entry struct {
	Section string `json:"section"`
	Scope   string `json:"scope"`
	Policy  string `json:"policy"`
	Path    string `json:"path"`
	// At is FILE:LINE:COLUMN; empty for a policy that no document holds.
	At string `json:"at,omitempty"`
	// Elapsed is how long it took by the clock of the description.
	Elapsed string `json:"elapsed,omitempty"`
	Said    []Said `json:"said,omitempty"`
	Error   string `json:"error,omitempty"`

	// Depth is in how many other policies it ran.
	Depth int `json:"depth,omitempty"`

	place policy.Place
	began time.Time
	// around is the index of the policy in which it ran; -1: none.
	around int
}

// Said is what a policy tells of its work.
type Said struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// recorder is a policy.Observer that writes down.
type recorder struct {
	now     func() time.Time
	entries []Entry
	// open are those under way, innermost last, by index.
	open []int
}

// Begin begins an entry.
func (r *recorder) Begin(at policy.Place) {
	around, depth := -1, 0
	for k := len(r.open) - 1; k >= 0 && around < 0; k-- {
		if i := r.open[k]; at.In(r.entries[i].place) {
			around, depth = i, r.entries[i].Depth+1
		}
	}
	r.open = append(r.open, len(r.entries))
	r.entries = append(r.entries, Entry{
		Depth: depth, around: around,
		Section: at.Section, Scope: at.Scope, Policy: at.Policy, Path: at.Path, At: at.Pos.String(), place: at, began: r.now(),
	})
}

// End ends the entry of that policy.
func (r *recorder) End(at policy.Place, e *policy.Error) {
	i := r.find(at)
	if i < 0 {
		return
	}
	entry := &r.entries[i]
	if took := r.now().Sub(entry.began); took > 0 {
		entry.Elapsed = took.String()
	}
	if e != nil {
		entry.Error = e.Source + "/" + e.Reason + ": " + e.Message
	}
	for k := len(r.open) - 1; k >= 0; k-- {
		if r.open[k] == i {
			r.open = append(r.open[:k], r.open[k+1:]...)
			return
		}
	}
}

// Say adds to the entry of that policy.
func (r *recorder) Say(at policy.Place, name, value string) {
	if i := r.find(at); i >= 0 {
		r.entries[i].Said = append(r.entries[i].Said, Said{name, value})
	}
}

// all are the entries, each behind the one in which it ran.
func (r *recorder) all() []Entry {
	within := map[int][]int{}
	for i := range r.entries {
		within[r.entries[i].around] = append(within[r.entries[i].around], i)
	}
	out := make([]Entry, 0, len(r.entries))
	var add func(around int)
	add = func(around int) {
		for _, i := range within[around] {
			out = append(out, r.entries[i])
			add(i)
		}
	}
	add(-1)
	return out
}

// find is the entry under way at a place; -1: there is none.
func (r *recorder) find(at policy.Place) int {
	for k := len(r.open) - 1; k >= 0; k-- {
		if r.entries[r.open[k]].place == at {
			return r.open[k]
		}
	}
	return -1
}

// MarshalJSON writes variables as one object: {"name":{"type":…,"value":…}}.
func (v Variables) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(k.Name)
		if err != nil {
			return nil, err
		}
		value, err := k.Answer.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
