package clr

import "testing"

// TestBuild: every declaration is understood.
func TestBuild(t *testing.T) {
	u, err := Build()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d types, %d members without code", len(u.Types()), len(u.Missing()))
	if m := String.Members("Substring"); len(m) != 2 {
		t.Errorf("string.Substring: %d forms", len(m))
	}
	list := ListOf.Of(Int32)
	if m := list.Members("Add"); len(m) != 1 || m[0].Params[0].Type != Int32 {
		t.Errorf("List<int>.Add: %v", m)
	}
	if !list.AssignableTo(EnumerableOf.Of(Int32)) || list.AssignableTo(EnumerableOf.Of(ObjectType)) {
		t.Error("List<int> is an IEnumerable<int>, and no IEnumerable<object>")
	}
	if !ListOf.Of(String).AssignableTo(EnumerableOf.Of(ObjectType)) {
		t.Error("List<string> is an IEnumerable<object>")
	}
	if got := list.FullName(); got != "System.Collections.Generic.List`1[System.Int32]" {
		t.Error(got)
	}
}
