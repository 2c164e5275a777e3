package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Kind says what a row shows.
type Kind string

const (
	Ordinary Kind = "ordinary" // gives a value
	Edge     Kind = "edge"     // a value or an exception, at a border
	Throws   Kind = "throws"   // throws
	Refused  Kind = "refused"  // does not compile
)

// Table is one file of rows.
type Table struct {
	Name     string // of the file, without .txt
	Sections []*Section
}

// Section is the rows of one member, operator or statement, or of several that
// share them.
type Section struct {
	Members     []string // the headings
	Line        int
	Rows        []*Row
	NeverThrows string // why, when no row can throw
	NoEdge      string // why, when there is no border
}

// Row is one expression. Its answer is in Want when Recorded is set.
type Row struct {
	ID         string // "System.String.Trim()/2": the first heading and the number in its section
	Kind       Kind
	Line       int
	Expression string          // "@(…)" or "@{…}"
	Context    json.RawMessage // of a context file, nil for none
	// Lowered is the same in older C#, where mcs does not know the syntax of
	// Expression; "" when it does.
	Lowered  string
	Want     Answer
	Recorded bool
}

// ParseTable reads a table; doc.go describes the format. The errors name lines.
func ParseTable(name, text string) (*Table, error) {
	p := &tableParser{table: &Table{Name: name}, lines: strings.Split(text, "\n")}
	var errs []error
	for p.next < len(p.lines) {
		line := p.next + 1
		if err := p.line(); err != nil {
			errs = append(errs, fmt.Errorf("%s.txt:%d: %w", name, line, err))
		}
	}
	return p.table, errors.Join(errs...)
}

type tableParser struct {
	table   *Table
	lines   []string
	next    int // index of the line to read
	section *Section
	context json.RawMessage
	heading bool // the line before was a heading
}

func (p *tableParser) line() error {
	line := strings.TrimRight(p.lines[p.next], " \t\r")
	p.next++
	wasHeading := p.heading
	p.heading = false
	switch {
	case line == "" || strings.HasPrefix(line, "//"):
		return nil
	case strings.HasPrefix(line, "# "):
		p.heading = true
		key := strings.TrimSpace(line[2:])
		if wasHeading {
			p.section.Members = append(p.section.Members, key)
			return nil
		}
		p.section = &Section{Members: []string{key}, Line: p.next}
		p.table.Sections = append(p.table.Sections, p.section)
		p.context = nil
		return nil
	}
	word, text, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("neither a heading, a row nor a comment: %q", line)
	}
	if p.section == nil {
		return errors.New("a row before the first heading")
	}
	return p.entry(word, strings.TrimSpace(text))
}

func (p *tableParser) entry(word, text string) error {
	start := p.next
	switch kind := Kind(word); kind {
	case Ordinary, Edge, Throws, Refused:
		text, err := p.expression(text)
		if err != nil {
			return err
		}
		p.section.Rows = append(p.section.Rows, &Row{
			ID:   fmt.Sprintf("%s/%d", p.section.Members[0], len(p.section.Rows)+1),
			Kind: kind, Line: start, Expression: text, Context: p.context,
		})
		return nil
	}
	switch word {
	case "mcs":
		text, err := p.expression(text)
		if err != nil {
			return err
		}
		if len(p.section.Rows) == 0 {
			return errors.New("mcs: belongs behind a row")
		}
		p.section.Rows[len(p.section.Rows)-1].Lowered = text
	case "context":
		return p.setContext(text)
	case "never throws":
		p.section.NeverThrows = text
	case "no edge":
		p.section.NoEdge = text
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}

// expression reads on to the closing line when the first line is only the
// opening one.
func (p *tableParser) expression(text string) (string, error) {
	ends := map[string]string{"@{": "}", "@(": ")"}
	if end, ok := ends[text]; ok {
		return p.block(text, end)
	}
	if strings.HasPrefix(text, "@(") && strings.HasSuffix(text, ")") || strings.HasPrefix(text, "@{") && strings.HasSuffix(text, "}") {
		return text, nil
	}
	return "", fmt.Errorf("not an expression: %q", text)
}

func (p *tableParser) block(first, end string) (string, error) {
	i := slices.IndexFunc(p.lines[p.next:], func(l string) bool { return strings.TrimRight(l, " \t\r") == end })
	if i < 0 {
		return "", fmt.Errorf("no line %q that ends it", end)
	}
	text := first + "\n" + strings.Join(p.lines[p.next:p.next+i+1], "\n")
	p.next += i + 1
	return strings.TrimRight(text, " \t\r"), nil
}

func (p *tableParser) setContext(text string) (err error) {
	if text == "none" {
		p.context = nil
		return nil
	}
	if text == "{" {
		if text, err = p.block("{", "}"); err != nil {
			return err
		}
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return fmt.Errorf("context: %w", err)
	}
	p.context = compact(text)
	return nil
}

// tableName is the name of a table's file without directory and ending.
func tableName(file string) string { return strings.TrimSuffix(path.Base(file), ".txt") }
