package clr

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// EnumText is the name of an enum's value, the names of its flags, or the
// number.
func EnumText(t *Type, n int64) string {
	for _, e := range t.Names {
		if e.Value == n {
			return e.Name
		}
	}
	if t.Flags && n != 0 {
		if s, ok := flagText(t, n); ok {
			return s
		}
	}
	return strconv.FormatInt(n, 10)
}

func flagText(t *Type, n int64) (string, bool) {
	names := append([]EnumName(nil), t.Names...)
	sort.SliceStable(names, func(i, j int) bool { return uint64(names[i].Value) > uint64(names[j].Value) })
	var found []string
	rest := uint64(n)
	for _, e := range names {
		if v := uint64(e.Value); v != 0 && rest&v == v {
			found = append(found, e.Name)
			rest &^= v
		}
	}
	if rest != 0 {
		return "", false
	}
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return strings.Join(found, ", "), true
}

// enumFormat is Enum.ToString(format): G, F, D or X.
func (t *Thread) enumFormat(of *Type, n int64, format string) string {
	switch format {
	case "G", "g":
		return EnumText(of, n)
	case "F", "f":
		if s, ok := flagText(of, n); ok && n != 0 {
			return s
		}
		return EnumText(of, n)
	case "D", "d":
		return strconv.FormatInt(n, 10)
	case "X", "x":
		switch of.Underlying {
		case Byte, SByte:
			return fmt.Sprintf("%02X", uint8(n))
		case Int16, UInt16:
			return fmt.Sprintf("%04X", uint16(n))
		case Int64, UInt64:
			return fmt.Sprintf("%016X", uint64(n))
		}
		return fmt.Sprintf("%08X", uint32(n))
	}
	t.ThrowFormat("Format String can be only \"G\", \"g\", \"X\", \"x\", \"F\", \"f\", \"D\" or \"d\".")
	return ""
}
