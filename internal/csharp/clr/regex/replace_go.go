package regex

import "github.com/cloister-ai/cloister/internal/csharp/clr"

// Replacer is Regex.Replace for Go code; patterns are kept between calls. It may
// be used by several goroutines.
type Replacer struct{ cache *cache }

// NewReplacer makes a Replacer.
func NewReplacer() *Replacer { return &Replacer{newCache()} }

// Replace replaces up to count matches of a pattern in s (-1: all) by a
// replacement pattern, at the cost of t. It throws as .NET does.
func (r *Replacer) Replace(t *clr.Thread, s, expression, with string, count int) string {
	t.Allocate(64)
	p := &pattern{program: r.cache.program(t, expression, 0)}
	parts := p.parts(t, with)
	return p.replace(t, s, count, -1, func(out *output, m *match) { m.expand(out, parts) }).S
}

// ReplaceText is Replace by a text that is put in as it is.
func (r *Replacer) ReplaceText(t *clr.Thread, s, expression, with string, count int) string {
	t.Allocate(64)
	p := &pattern{program: r.cache.program(t, expression, 0)}
	return p.replace(t, s, count, -1, func(out *output, _ *match) { out.text(with) }).S
}
