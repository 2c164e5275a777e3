package json

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// textSink writes JSON.
type textSink struct {
	w writer
	// more: there is an item before in this container; named: a name has been
	// written, and its value follows.
	more, named bool
}

// before writes what stands before a value or name.
func (s *textSink) before() {
	if s.named {
		s.named = false
		return
	}
	if s.w.depth == 0 {
		return
	}
	if s.more {
		s.w.b = append(s.w.b, ',')
	}
	s.w.indent()
	if len(s.w.b)-s.w.paid > 1<<12 {
		s.w.charge()
	}
}

func (s *textSink) begin(in container) {
	s.before()
	s.w.b = append(s.w.b, "{["[in-objectContainer])
	s.w.depth++
	s.more = false
}

func (s *textSink) end(in container) {
	s.w.depth--
	if s.more {
		s.w.indent()
	}
	s.w.b = append(s.w.b, "}]"[in-objectContainer])
	s.more = true
}

func (s *textSink) name(name string) {
	s.before()
	s.w.string(name)
	s.w.b = append(s.w.b, ':')
	if s.w.indented {
		s.w.b = append(s.w.b, ' ')
	}
	s.named = true
}

func (s *textSink) simple(v clr.Value) {
	s.before()
	s.w.simple(v)
	s.more = true
}

func (s *textSink) token(k Token) {
	if v, ok := k.(*Value); ok && v.kind == KindComment && !s.named {
		// A comment has no comma before it, nor behind.
		more := s.more
		s.more = false
		s.before()
		s.w.token(k)
		s.more = more
		return
	}
	s.before()
	s.w.token(k)
	s.more = true
}

// treeSink makes a tree, as JTokenWriter does.
type treeSink struct {
	t   *clr.Thread
	top Token
	in  Container
}

// put adds a token where the tree is.
func (s *treeSink) put(k Token) {
	if s.in == nil {
		s.top = k
		return
	}
	link(s.t, s.in, s.in.Len(), k)
	if p, ok := s.in.(*Property); ok {
		s.in = p.parent
	}
}

func (s *treeSink) begin(in container) {
	s.t.Allocate(containerSize)
	var c Container = &Array{}
	if in == objectContainer {
		c = &Object{}
	}
	s.put(c)
	s.in = c
}

func (s *treeSink) end(container) {
	s.in = s.in.at().parent
	if p, ok := s.in.(*Property); ok {
		s.in = p.parent
	}
}

// name begins a property; one with that name before is taken out.
func (s *treeSink) name(name string) {
	o := s.in.(*Object)
	if p := o.Property(name); p != nil {
		remove(s.t, o, int(p.index))
	}
	s.t.Allocate(propertySize)
	p := &Property{Name: name}
	link(s.t, o, o.Len(), p)
	s.in = p
}

func (s *treeSink) simple(v clr.Value) { s.put(newValue(s.t, v)) }

func (s *treeSink) token(k Token) { s.put(bare(s.t, k)) }

// bare is a copy of a token without its notes.
func bare(t *clr.Thread, k Token) Token {
	c := clone(t, k)
	strip(t, c)
	return c
}

func strip(t *clr.Thread, k Token) {
	n := k.at()
	n.line, n.position, n.notes = 0, 0, nil
	if c, ok := k.(Container); ok {
		t.Enter()
		for i := range c.Len() {
			t.Step()
			strip(t, c.child(i))
		}
		t.Leave()
	}
}

// constructor begins a JConstructor.
func (s *treeSink) constructor(name clr.Value) {
	c := newConstructor(s.t, name)
	s.put(c)
	s.in = c
}

// comment adds a comment, where there is a place for one.
func (s *treeSink) comment(text clr.Value) {
	switch s.in.(type) {
	case *Array, *Constructor:
		s.put(value(s.t, KindComment, text))
	}
}

// path is where the tree is.
func (s *treeSink) path() string {
	if s.in == nil {
		return ""
	}
	return tokenPath(s.t, s.in)
}
