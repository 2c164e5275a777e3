package oracle

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Lister names the members that an evaluator has, in the form of members.txt:
// "System.String.Substring(int, int)". The evaluator's own table of .NET types
// implements it; until then [Members] takes the place.
type Lister interface {
	Members() []string
}

// Member is one line of members.txt.
type Member struct {
	Key, Signature string
	Type           string // the type that has it, such as "System.String"
	// Denied members are public but not on Azure's list.
	Denied bool
	// Needs are types of the signature that expressions cannot name.
	Needs    []string
	Obsolete bool
}

// Members reads members.txt: the members of .NET types that Azure's list names
// and those of the context, as far as they are reached without a type that is
// not on the list.
func Members(fsys fs.FS) ([]Member, error) {
	text, err := fs.ReadFile(fsys, "members.txt")
	if err != nil {
		return nil, err
	}
	text2, _, _ := strings.Cut(string(text), "\n## Supporting types")
	_, context, ok := strings.Cut(string(text), "\n## The context")
	if !ok {
		return nil, fmt.Errorf("members.txt has no part for the context")
	}
	var out []Member
	var typ string
	for _, line := range strings.Split(text2+"\n"+context, "\n") {
		if head, ok := strings.CutPrefix(line, "# "); ok {
			typ, _, _ = strings.Cut(head, ": ")
			continue
		}
		key, signature, ok := strings.Cut(line, " = ")
		if !ok || typ == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := Member{Type: typ}
		m.Key, m.Denied = strings.CutPrefix(key, "- ")
		signature, notes, _ := strings.Cut(signature, " // ")
		m.Signature = signature
		for _, note := range strings.Split(notes, " // ") {
			if needs, ok := strings.CutPrefix(note, "needs "); ok {
				m.Needs = strings.Split(needs, ", ")
			}
			m.Obsolete = m.Obsolete || note == "obsolete"
		}
		out = append(out, m)
	}
	return out, nil
}

// Wanted are the keys that must have rows.
func Wanted(members []Member) []string {
	var out []string
	for _, m := range members {
		if !m.Denied && !m.Obsolete && len(m.Needs) == 0 {
			out = append(out, m.Key)
		}
	}
	return out
}

// lines are the entries of a list file: no comments, no empty lines.
func lines(fsys fs.FS, name string) ([]string, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			out = append(out, line)
		}
	}
	return out, nil
}

// Coverage names what the tables lack: members without a section, and sections
// without an ordinary row for each of their members, without an edge, or
// without a throwing row, unless they say why.
func Coverage(tables []*Table, wanted []string) []string {
	var out []string
	have := map[string]bool{}
	for _, t := range tables {
		for _, s := range t.Sections {
			for _, m := range s.Members {
				have[m] = true
			}
			for _, lack := range s.lacks() {
				out = append(out, fmt.Sprintf("%s.txt:%d: %s: %s", t.Name, s.Line, s.Members[0], lack))
			}
		}
	}
	for _, m := range wanted {
		if !have[m] {
			out = append(out, m+": no section")
		}
	}
	return out
}

func (s *Section) lacks() []string {
	count := map[Kind]int{}
	for _, r := range s.Rows {
		count[r.Kind]++
	}
	var out []string
	if n := len(s.Members); count[Ordinary] < n {
		out = append(out, fmt.Sprintf("%d ordinary rows for %d members", count[Ordinary], n))
	}
	if count[Edge] == 0 && s.NoEdge == "" {
		out = append(out, `no edge row and no "no edge: reason"`)
	}
	if count[Throws] == 0 && s.NeverThrows == "" {
		out = append(out, `no throws row and no "never throws: reason"`)
	}
	if count[Throws] > 0 && s.NeverThrows != "" {
		out = append(out, `a throws row beside "never throws"`)
	}
	return out
}

// Uncovered reads uncovered.txt: types whose members have no rows yet.
func Uncovered(fsys fs.FS) ([]string, error) { return lines(fsys, "uncovered.txt") }

// Syntax reads syntax.txt: the operators and statements that must have rows.
func Syntax(fsys fs.FS) ([]string, error) { return lines(fsys, "syntax.txt") }

// Exempt splits members by whether their type is in uncovered, and names the
// entries of uncovered that are not needed: every member has a section.
func Exempt(members []Member, uncovered []string, tables []*Table) (rest []Member, stale []string) {
	have := map[string]bool{}
	for _, t := range tables {
		for _, s := range t.Sections {
			for _, m := range s.Members {
				have[m] = true
			}
		}
	}
	open := map[string]bool{}
	for _, m := range members {
		if !slices.Contains(uncovered, m.Type) {
			rest = append(rest, m)
		} else if len(Wanted([]Member{m})) > 0 && !have[m.Key] {
			open[m.Type] = true
		}
	}
	for _, t := range uncovered {
		if !open[t] {
			stale = append(stale, t)
		}
	}
	return rest, stale
}
