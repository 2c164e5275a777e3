package clr

// Base is the base class; nil for System.Object and for interfaces.
func (t *Type) Base() *Type {
	t.mu.Lock()
	base := t.base
	t.mu.Unlock()
	if base != nil {
		return base
	}
	switch {
	case t == ObjectType, t.Kind == Interface, t.Kind == ParamKind:
		return nil
	case t.Kind == ArrayKind:
		base = Array
	case t.Def != nil:
		base = t.Def.Base().within(t)
	case t.Kind == Enum:
		base = EnumType
	case t.Kind == Struct:
		base = ValueType
	case t.Kind == Delegate:
		base = DelegateT
	default:
		base = ObjectType
	}
	t.mu.Lock()
	t.base = base
	t.mu.Unlock()
	return base
}

// Interfaces are those that the type itself declares, not its base.
func (t *Type) Interfaces() []*Type {
	switch {
	case t.Kind == ArrayKind && t.Rank == 1:
		e := t.Args[0]
		return []*Type{ListInterfaceOf.Of(e), CollectionOf.Of(e), EnumerableOf.Of(e), ReadOnlyListOf.Of(e), ReadOnlyCollectionOf.Of(e)}
	case t.Def == nil:
		return t.interfaces
	}
	out := make([]*Type, len(t.Def.interfaces))
	for i, in := range t.Def.interfaces {
		out[i] = in.within(t)
	}
	return out
}

// Supers are the type itself, its base classes, and then every interface of
// them, each once.
func (t *Type) Supers() []*Type {
	t.basesOnce.Do(func() {
		seen := map[*Type]bool{}
		for c := t; c != nil; c = c.Base() {
			t.allBases = append(t.allBases, c)
			seen[c] = true
		}
		classes := len(t.allBases)
		var add func(in *Type)
		add = func(in *Type) {
			if seen[in] {
				return
			}
			seen[in] = true
			t.allBases = append(t.allBases, in)
			for _, further := range in.Interfaces() {
				add(further)
			}
		}
		for _, c := range t.allBases[:classes] {
			for _, in := range c.Interfaces() {
				add(in)
			}
		}
	})
	return t.allBases
}

// AssignableTo reports whether a value of type t can be used where to stands,
// without changing it: identity, inheritance, interfaces with their variance,
// arrays of references, boxing.
func (t *Type) AssignableTo(to *Type) bool {
	if t == to || to == ObjectType {
		return true
	}
	if t.Kind == TupleKind && to.Kind == TupleKind {
		return sameTypes(t.Args, to.Args)
	}
	if t.IsNullable() {
		// A value of int? is an int or nothing.
		return t.Args[0].AssignableTo(to) && !to.IsValue()
	}
	if t.Kind == ArrayKind && to.Kind == ArrayKind {
		return t.Rank == to.Rank && !t.Args[0].IsValue() && !to.Args[0].IsValue() && t.Args[0].AssignableTo(to.Args[0])
	}
	for _, s := range t.Supers() {
		if s == to || s.Def != nil && s.Def == to.Def && variant(s, to) {
			return true
		}
		// An array's list interfaces vary with its element.
		if t.Kind == ArrayKind && s.Def != nil && s.Def == to.Def && !t.Args[0].IsValue() &&
			!to.Args[0].IsValue() && t.Args[0].AssignableTo(to.Args[0]) {
			return true
		}
	}
	return false
}

func sameTypes(a, b []*Type) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(a[i].Kind == TupleKind && b[i].Kind == TupleKind && sameTypes(a[i].Args, b[i].Args)) {
			return false
		}
	}
	return true
}

// variant reports whether from converts to to by the variance of their
// parameters alone.
func variant(from, to *Type) bool {
	for i, p := range from.Def.Params {
		a, b := from.Args[i], to.Args[i]
		switch {
		case a == b:
		case a.IsValue() || b.IsValue():
			return false
		case p.Variance == "out" && a.AssignableTo(b):
		case p.Variance == "in" && b.AssignableTo(a):
		default:
			return false
		}
	}
	return true
}
