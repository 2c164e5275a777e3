package json

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// special are the characters of names that stand in brackets and quotes in a
// path.
const special = ". '/\"[]()\t\n\r\f\b\\\u0085\u2028\u2029"

// pathText is a path as Newtonsoft writes it: a.b[0]['c d'].
func pathText(places []place) string {
	var b []byte
	for _, p := range places {
		if p.in != objectContainer {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(p.index), 10)
			b = append(b, ']')
			continue
		}
		if strings.ContainsAny(p.name, special) {
			b = append(b, "['"...)
			b = appendEscaped(b, p.name, '\'')
			b = append(b, "']"...)
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, p.name...)
	}
	return string(b)
}

// tokenPath is JToken.Path.
func tokenPath(t *clr.Thread, k Token) string {
	if k.at().parent == nil {
		return ""
	}
	var places []place
	for {
		t.Step()
		above := k.at().parent
		if p, ok := k.(*Property); ok {
			places = append(places, place{in: objectContainer, name: p.Name})
		} else if above != nil && above.Kind() != KindProperty && above.Kind() != KindObject {
			places = append(places, place{in: arrayContainer, index: int(k.at().index)})
		}
		if above == nil {
			break
		}
		k = above
	}
	slices.Reverse(places)
	size := 0
	for _, p := range places {
		size += 2*len(p.name) + 12
	}
	t.Allocate(size + 64*len(places))
	return pathText(places)
}
