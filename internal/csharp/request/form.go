package request

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/collection"
	"github.com/cloister-ai/cloister/internal/csharp/clr/text"
)

// readForm takes name=value&… apart; values of one name stand together, in the
// order of the text.
func readForm(t *clr.Thread, s string) *valueList {
	form := &valueList{}
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if t != nil {
			t.Work(1 + len(form.names))
			t.Allocate(len(pair) + 32)
		}
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		form.add(text.UrlDecode(name), text.UrlDecode(value))
	}
	return form
}

// bodyAsForm is AsFormUrlEncodedContent(preserveContent): a dictionary whose
// names stand in any case.
func bodyAsForm(c *clr.Call) clr.Value {
	body := c.Args[0].O.(*bodyObject)
	form := readForm(c.Thread, body.text(c.Thread, c.Args[1].Bool()))
	d := collection.NewDictionary(c.Thread, clr.String, clr.ListInterfaceOf.Of(clr.String), anyCase{})
	form.Each(func(name string, values []string) bool {
		elems := make([]clr.Value, len(values))
		for i, v := range values {
			elems[i] = clr.Str(v)
		}
		d.Put(c.Thread, clr.Str(name), clr.Obj(c.NewList(clr.String, elems)))
		return true
	})
	return clr.Obj(d)
}

// writeForm is ToFormUrlEncodedContent().
func writeForm(c *clr.Call, question string) clr.Value {
	var b strings.Builder
	b.WriteString(question)
	n := 0
	for pair := range c.Seq(c.Args[0], "source") {
		p := pair.O.(*collection.Pair)
		name := text.UrlEncode(p.Key.S)
		for v := range c.Seq(p.Value, "source") {
			if n++; n > 1 {
				b.WriteByte('&')
			}
			value := text.UrlEncode(v.S)
			c.Allocate(len(name) + len(value) + 2)
			b.WriteString(name + "=" + value)
		}
	}
	return c.New(b.String())
}

// anyCase compares names in any case, as StringComparer.OrdinalIgnoreCase does.
type anyCase struct{}

func (anyCase) Type() *clr.Type { return clr.ObjectType }

func (anyCase) Equal(_ *clr.Thread, a, b clr.Value) bool { return text.EqualFold(a.S, b.S) }

func (anyCase) Hash(t *clr.Thread, v clr.Value) uint64 {
	t.Work(len(v.S) / 8)
	return t.Hash(clr.Str(text.ToUpper(v.S)))
}
