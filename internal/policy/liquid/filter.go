package liquid

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// filter is a filter of DotLiquid.
type filter struct {
	// least and most are how many arguments it takes.
	least, most int
	do          func(f *filtering) clr.Value
}

func (f filter) takes() string {
	if f.least == f.most {
		return fmt.Sprintf("%d", f.least)
	}
	return fmt.Sprintf("%d to %d", f.least, f.most)
}

// filtering is one call of a filter.
type filtering struct {
	*renderer
	in   clr.Value
	args []clr.Value
}

// arg is argument i as text.
func (f *filtering) arg(i int) string { return f.text(f.args[i]) }

// number is argument i as an Int32, or what is meant without one.
func (f *filtering) number(i, otherwise int) int {
	if i >= len(f.args) {
		return otherwise
	}
	return f.whole(f.args[i])
}

// str makes a text that counts.
func (f *filtering) str(s string) clr.Value { return f.New(s) }

// onText is a filter of text: null stays null.
func onText(do func(f *filtering, s string) string) func(f *filtering) clr.Value {
	return func(f *filtering) clr.Value {
		if f.in.IsNull() {
			return clr.Null
		}
		s := f.text(f.in)
		f.Work(len(s)/8 + 1)
		f.Allocate(len(s))
		return f.str(do(f, s))
	}
}

// onList is a filter of a list: null stays null, and what is no list is one item.
func onList(do func(f *filtering, items []clr.Value) clr.Value) func(f *filtering) clr.Value {
	return func(f *filtering) clr.Value {
		if f.in.IsNull() {
			return clr.Null
		}
		items, ok := f.items(f.in)
		if !ok || f.in.Is(clr.String) {
			items = []clr.Value{f.in}
		}
		return do(f, items)
	}
}

// catalogue are the filters that the reference lists, and Ceil and Floor.
var catalogue = map[string]filter{
	"Abs":          {0, 0, abs},
	"Append":       {1, 1, onText(func(f *filtering, s string) string { return s + f.arg(0) })},
	"AtLeast":      {1, 1, func(f *filtering) clr.Value { return bound(f, true) }},
	"AtMost":       {1, 1, func(f *filtering) clr.Value { return bound(f, false) }},
	"Capitalize":   {0, 0, onText(func(_ *filtering, s string) string { return titled(s) })},
	"Ceil":         {0, 0, func(f *filtering) clr.Value { return toWhole(f, true) }},
	"Compact":      {0, 0, onList(compact)},
	"Currency":     {0, 1, currency},
	"Date":         {1, 1, date},
	"Default":      {1, 1, byDefault},
	"DividedBy":    {1, 1, func(f *filtering) clr.Value { return calculate(f, "/") }},
	"Downcase":     {0, 0, onText(lower)},
	"Escape":       {0, 0, onText(escape)},
	"First":        {0, 0, func(f *filtering) clr.Value { return end(f, "first") }},
	"Floor":        {0, 0, func(f *filtering) clr.Value { return toWhole(f, false) }},
	"H":            {0, 0, onText(escape)},
	"Join":         {0, 1, onList(join)},
	"Last":         {0, 0, func(f *filtering) clr.Value { return end(f, "last") }},
	"Lstrip":       {0, 0, onText(func(_ *filtering, s string) string { return strings.TrimLeft(s, white) })},
	"Map":          {1, 1, onList(mapped)},
	"Minus":        {1, 1, func(f *filtering) clr.Value { return calculate(f, "-") }},
	"Modulo":       {1, 1, func(f *filtering) clr.Value { return calculate(f, "%") }},
	"NewlineToBr":  {0, 0, onText(newlines("<br />"))},
	"Plus":         {1, 1, plus},
	"Prepend":      {1, 1, onText(func(f *filtering, s string) string { return f.arg(0) + s })},
	"Remove":       {1, 1, onText(func(f *filtering, s string) string { return replaced(f, s, f.arg(0), "") })},
	"RemoveFirst":  {1, 1, onText(func(f *filtering, s string) string { return f.replaceFirst(s, f.arg(0), "") })},
	"Replace":      {1, 2, onText(replace)},
	"ReplaceFirst": {1, 2, onText(replaceFirst)},
	"Round":        {0, 1, round},
	"Rstrip":       {0, 0, onText(func(_ *filtering, s string) string { return strings.TrimRight(s, white) })},
	"Size":         {0, 0, size},
	"Slice":        {1, 2, slice},
	"Sort":         {0, 1, onList(sort)},
	"Split":        {1, 1, split},
	"Strip":        {0, 0, onText(func(_ *filtering, s string) string { return strings.Trim(s, white) })},
	"StripHtml":    {0, 0, onText(stripHTML)},
	"StripNewlines": {0, 0, onText(func(_ *filtering, s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", ""), "\n", "")
	})},
	"Times":         {1, 1, times},
	"Truncate":      {0, 2, onText(truncate)},
	"TruncateWords": {0, 2, onText(truncateWords)},
	"Uniq":          {0, 0, onList(uniq)},
	"Upcase":        {0, 0, onText(upper)},
	"UrlDecode":     {0, 0, onText(urlDecode)},
	"UrlEncode":     {0, 0, onText(urlEncode)},
}

func filters() map[string]filter { return catalogue }

func filterNames() []string { return slices.Sorted(maps.Keys(catalogue)) }
