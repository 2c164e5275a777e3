package site

import "fmt"

// kind is the type of a value in a document.
type kind int

const (
	kindNull kind = iota
	kindBoolean
	kindNumber
	kindText
	kindList
	kindObject
)

func (k kind) String() string {
	switch k {
	case kindNull:
		return "nothing"
	case kindBoolean:
		return "a boolean"
	case kindNumber:
		return "a number"
	case kindText:
		return "text"
	case kindList:
		return "a list"
	default:
		return "an object"
	}
}

// value is one value of a YAML or JSON document with its place. Anchors are
// already expanded.
type value struct {
	kind kind
	pos  Pos
	// text is the scalar as written, escapes resolved.
	text    string
	list    []*value
	members []member
}

// member is one member of an object, in the order of the file.
type member struct {
	name string
	// pos is the place of the name.
	pos   Pos
	value *value
}

// get is the member of that name, nil when there is none; a nil value has no
// members.
func (v *value) get(name string) *value {
	if v == nil {
		return nil
	}
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

// at walks down members.
func (v *value) at(names ...string) *value {
	for _, n := range names {
		v = v.get(n)
	}
	return v
}

// empty reports whether v says nothing: absent, null, or a list or object with
// nothing but empty values. Exports write such members for fields not in use.
func (v *value) empty() bool {
	if v == nil {
		return true
	}
	switch v.kind {
	case kindNull:
		return true
	case kindList:
		for _, e := range v.list {
			if !e.empty() {
				return false
			}
		}
		return true
	case kindObject:
		for _, m := range v.members {
			if !m.value.empty() {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// walk calls f for v and everything below it.
func (v *value) walk(f func(*value)) {
	if v == nil {
		return
	}
	f(v)
	for _, e := range v.list {
		e.walk(f)
	}
	for _, m := range v.members {
		m.value.walk(f)
	}
}

// bounds limits a document, so that no document causes unbounded work.
type bounds struct {
	// bytes of the file.
	bytes int
	// values after anchors are expanded.
	values int
	// depth of nesting.
	depth int
}

// tooLarge reports a file beyond its size.
func (b bounds) tooLarge(src *source, r *report) bool {
	if len(src.data) <= b.bytes {
		return false
	}
	r.Add(src.file(), "too-large", fmt.Sprintf("at most %s", byteSize(b.bytes)), "",
		"the file has %s", byteSize(len(src.data)))
	return true
}

func byteSize(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// add adds a member unless its name stands already; then it reports. seen
// belongs to one object and makes the check cheap for large ones.
func (v *value) add(m member, seen map[string]Pos, r *report) {
	if first, ok := seen[m.name]; ok {
		r.Add(m.pos, "duplicate-key", "each name once",
			fmt.Sprintf("remove one of the two; the first stands on line %d", first.Line),
			"%q stands twice in one object", m.name)
		return
	}
	seen[m.name] = m.pos
	v.members = append(v.members, m)
}
