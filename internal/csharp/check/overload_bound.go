package check

// bounded reports whether the type arguments are such as the method takes. It
// is looked at when the method is chosen, as before C# 7.3.
func (cand *candidate) bounded() bool {
	for i, p := range cand.generic.TypeParams {
		t := cand.types[i]
		if p.Bound.Takes(t) {
			continue
		}
		name := "'" + signatureText(cand.generic) + "'"
		switch p.Bound.Word {
		case "class":
			cand.why = mismatch{code: "CS0452", text: "The type '" + t.String() + "' must be a reference type in order to use it as parameter '" + p.Name + "' in the generic type or method " + name, rank: 3}
		case "struct":
			cand.why = mismatch{code: "CS0453", text: "The type '" + t.String() + "' must be a non-nullable value type in order to use it as parameter '" + p.Name + "' in the generic type or method " + name, rank: 3}
		default:
			cand.why = mismatch{code: "CS0311", text: "The type '" + t.String() + "' cannot be used as type parameter '" + p.Name + "' in the generic type or method " + name + ". There is no implicit reference conversion from '" + t.String() + "' to '" + p.Bound.To.String() + "'.", rank: 3}
		}
		return false
	}
	return true
}
