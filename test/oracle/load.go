package oracle

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

//go:embed table answers members.txt syntax.txt differences.txt uncovered.txt
var files embed.FS

// Files is the committed tables, answers and lists.
func Files() fs.FS { return files }

// Load reads all tables and their recorded answers. Every row is there, those
// without an answer too.
func Load() ([]*Row, error) {
	tables, err := LoadTables(files)
	var rows []*Row
	for _, t := range tables {
		rows = append(rows, t.Rows()...)
	}
	return rows, err
}

// LoadTables reads the tables of a directory like this one, with answers.
func LoadTables(fsys fs.FS) ([]*Table, error) {
	names, err := fs.Glob(fsys, "table/*.txt")
	if err != nil {
		return nil, err
	}
	var tables []*Table
	var errs []error
	seen := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		t, err := ParseTable(tableName(name), string(text))
		errs = append(errs, err, t.readAnswers(fsys))
		tables = append(tables, t)
		for _, s := range t.Sections {
			for _, m := range s.Members {
				if other, ok := seen[m]; ok {
					errs = append(errs, fmt.Errorf("%s.txt:%d: %s has a section in %s already", t.Name, s.Line, m, other))
				}
				seen[m] = t.Name + ".txt"
			}
		}
	}
	return tables, errors.Join(errs...)
}

// Rows are the rows of all sections.
func (t *Table) Rows() []*Row {
	var rows []*Row
	for _, s := range t.Sections {
		rows = append(rows, s.Rows...)
	}
	return rows
}

// record is one line of a file of answers: the question, then the answer.
type record struct {
	ID         string          `json:"id"`
	Expression string          `json:"expression"`
	Lowered    string          `json:"mcs,omitempty"`
	Context    json.RawMessage `json:"context,omitempty"`
}

// key is the question that an answer belongs to: a row that was changed has
// none until it is recorded again.
func (r *Row) key() string { return r.ID + "\x00" + r.program() + "\x00" + string(r.Context) }

func (r *Row) program() string {
	if r.Lowered != "" {
		return r.Lowered
	}
	return r.Expression
}

// Program is what the compiler gets: the lowered form if there is one.
func (r *Row) Program() string { return r.program() }

func (t *Table) readAnswers(fsys fs.FS) error {
	name := "answers/" + t.Name + ".jsonl"
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	answers := map[string]Answer{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<24)
	for n := 1; sc.Scan(); n++ {
		var q record
		var a Answer
		if err := errors.Join(json.Unmarshal(sc.Bytes(), &q), json.Unmarshal(sc.Bytes(), &a)); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		asked := Row{ID: q.ID, Expression: q.Expression, Lowered: q.Lowered, Context: q.Context}
		answers[asked.key()] = a
	}
	for _, r := range t.Rows() {
		r.Want, r.Recorded = answers[r.key()]
	}
	return sc.Err()
}

// Answers is the file of answers for the table as it stands: rows in order,
// those without an answer left out.
func (t *Table) Answers() []byte {
	var out []byte
	for _, r := range t.Rows() {
		if !r.Recorded {
			continue
		}
		q := encode(record{ID: r.ID, Expression: r.Expression, Lowered: r.Lowered, Context: r.Context})
		a := encode(r.Want)
		out = append(out, slices.Concat(q[:len(q)-1], []byte(","), a[1:], []byte("\n"))...)
	}
	return out
}

func compact(text string) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return json.RawMessage(text)
	}
	return b.Bytes()
}
