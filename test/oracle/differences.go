package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// The headings under which an answer may differ from Mono's. There are no
// others.
var headings = []string{
	"newer .NET number text",
	"newer Newtonsoft",
	"syntax that mcs lacks",
	"Azure's documented own behaviour",
}

// Differences are the rows whose answer is not Mono's, with the right one.
type Differences struct{ entries map[string]*difference }

type difference struct {
	heading, evidence string
	line              int
	ours              Answer
}

// LoadDifferences reads differences.txt; doc.go describes it.
func LoadDifferences(fsys fs.FS) (*Differences, error) {
	text, err := fs.ReadFile(fsys, "differences.txt")
	if err != nil {
		return nil, err
	}
	return ParseDifferences(string(text))
}

// ParseDifferences reads the text of differences.txt. An entry without
// evidence, without an answer or outside of the headings is an error.
func ParseDifferences(text string) (*Differences, error) {
	d := &Differences{entries: map[string]*difference{}}
	var errs []error
	var heading string
	var entry *difference
	n := 0
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("differences.txt:%d: "+format, append([]any{n}, args...)...))
	}
	for line := range strings.SplitSeq(text, "\n") {
		n++
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "# "):
			heading, entry = line[2:], nil
			if !slices.Contains(headings, heading) {
				fail("%q is not one of the headings %q", heading, headings)
			}
		case !strings.HasPrefix(line, " "):
			if heading == "" {
				fail("an entry before the first heading")
			}
			if d.entries[line] != nil {
				fail("%s twice", line)
			}
			entry = &difference{heading: heading, line: n}
			d.entries[line] = entry
		case entry == nil:
			fail("%s belongs to a row", field)
		case field == "ours":
			if err := json.Unmarshal([]byte(value), &entry.ours); err != nil {
				fail("%w", err)
			}
		case field == "evidence":
			entry.evidence = value
		default:
			fail("unknown word %q", field)
		}
	}
	for id, e := range d.entries {
		n = e.line
		if e.evidence == "" {
			fail("%s has no evidence", id)
		}
		if e.ours.Type == "" && e.ours.Value == nil && e.ours.Error == nil {
			fail("%s has no answer", id)
		}
	}
	return d, errors.Join(errs...)
}

// Has reports whether the row has an entry.
func (d *Differences) Has(id string) bool { return d.entries[id] != nil }

// Want is the answer that the row must give: that of its entry, or else the
// recorded one.
func (d *Differences) Want(r *Row) Answer {
	if e := d.entries[r.ID]; e != nil {
		return e.ours
	}
	return r.Want
}

// Entry is one entry of differences.txt.
type Entry struct {
	Row, Heading, Evidence string
	Ours                   Answer
}

// Entries are all of them, in the order of the file.
func (d *Differences) Entries() []Entry {
	ids := slices.SortedFunc(maps.Keys(d.entries), func(a, b string) int { return d.entries[a].line - d.entries[b].line })
	var out []Entry
	for _, id := range ids {
		e := d.entries[id]
		out = append(out, Entry{id, e.heading, e.evidence, e.ours})
	}
	return out
}

// Compare says how got differs from what the row must give, "" when it does
// not.
func (d *Differences) Compare(r *Row, got Answer) string { return Compare(d.Want(r), got) }

// Stale names the entries that are not needed: of rows that do not exist, or
// for which Mono says the same.
func (d *Differences) Stale(rows []*Row) []string {
	byID := map[string]*Row{}
	for _, r := range rows {
		byID[r.ID] = r
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(d.entries)) {
		switch r := byID[id]; {
		case r == nil:
			out = append(out, fmt.Sprintf("%s: there is no such row", id))
		case r.Recorded && Compare(r.Want, d.entries[id].ours) == "":
			out = append(out, fmt.Sprintf("%s: Mono says the same", id))
		}
	}
	return out
}

// Trouble says why the row's answer does not fit its kind, "" when it does.
func (r *Row) Trouble() string {
	s := fits(r.Kind, r.Want)
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

func fits(kind Kind, a Answer) string {
	switch {
	case a.Refused() && kind != Refused:
		return fmt.Sprintf("does not compile: %s %s", a.Error.Code, a.Error.Message)
	case !a.Refused() && kind == Refused:
		return "compiles: " + a.String()
	case a.Threw() && kind == Ordinary:
		return "throws: " + a.String()
	case a.Error == nil && kind == Throws:
		return "does not throw: " + a.String()
	}
	return ""
}
