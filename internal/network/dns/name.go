package dns

import "strings"

// Names are as in the documents: lower case, without a dot at the end; the root
// is "". Bytes that are special in a name are escaped as in RFC 1035, section
// 5.1, so that a dot within a label is never taken for one between labels.

// normal is the one spelling of a name. Only ASCII is folded: the Kelvin sign is
// no "k" (RFC 4343).
func normal(name string) string {
	if n := len(name); n > 0 && name[n-1] == '.' && !(n > 1 && name[n-2] == '\\') {
		name = name[:n-1]
	}
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return lower(name, i)
		}
	}
	return name
}

func lower(name string, from int) string {
	b := []byte(name)
	for i := from; i < len(b); i++ {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// parent is the name without its first label; ok is false for the root.
func parent(name string) (up string, ok bool) {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '.':
			return name[i+1:], true
		}
	}
	return "", name != ""
}

// within reports whether a name is a zone's own or lies below it.
func within(name, zone string) bool {
	for at, ok := name, true; ok; at, ok = parent(at) {
		if at == zone {
			return true
		}
	}
	return false
}

// join is the full name of what a document calls rel in a zone.
func join(rel, zone string) string {
	if rel == "@" || rel == "" {
		return zone
	}
	return rel + "." + zone
}

// badName says why a document's name is not one; "" when it is. The underscore
// and a leading asterisk are allowed, as Azure allows them.
func badName(name string) string {
	if name == "" || len(name) > 253 {
		return "a name has 1 to 253 bytes"
	}
	for i, l := range strings.Split(name, ".") {
		if l == "" || len(l) > 63 {
			return "a label has 1 to 63 bytes"
		}
		if l == "*" && i == 0 {
			continue
		}
		for j := range len(l) {
			c := l[j]
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
				return "a label has letters, digits, \"-\" and \"_\", and \"*\" stands alone and first"
			}
		}
	}
	return ""
}
