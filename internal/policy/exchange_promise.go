package policy

// promised is a header that the answer gets, whoever makes it.
type promised struct{ name, value string }

// promise gives the answer a header, the one there is now and those that take
// its place: what inbound says of the answer would be lost otherwise. The name is
// canonical. A later promise of a name goes before an earlier one.
func (x *Exchange) promise(name, value string) {
	for i := range x.promises {
		if x.promises[i].name == name {
			x.promises[i].value = value
			x.keepPromises()
			return
		}
	}
	x.promises = append(x.promises, promised{name, value})
	x.keepPromises()
}

// keepPromises writes what was promised into the answer, if there is one.
func (x *Exchange) keepPromises() {
	if len(x.promises) == 0 || x.Response == nil {
		return
	}
	h := x.answered()
	for _, p := range x.promises {
		h[p.name] = []string{p.value}
	}
}
