// Command record asks a real C# compiler for the answers to the rows of
// test/oracle/table and writes them to test/oracle/answers:
//
//	go run ./test/oracle/record             rows that are new or changed
//	go run ./test/oracle/record -all        every row
//	go run ./test/oracle/record -only NAME  one table (without .txt)
//	go run ./test/oracle/record -members    writes members.txt anew
//
// It exits with 1 when a row is not what its word says: an ordinary row that
// throws, a throws row that does not, any but a refused row that does not
// compile; or when it hangs or has no fixed answer, and then has none recorded.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/cloister-ai/cloister/test/oracle"
	"github.com/cloister-ai/cloister/test/oracle/mono"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.only, "only", "", "the table to record, without .txt")
	flag.BoolVar(&o.all, "all", false, "record rows again that have an answer")
	flag.BoolVar(&o.print, "print", false, "print every answer that is recorded")
	flag.StringVar(&o.dir, "dir", "test/oracle", "the directory of tables and answers")
	members := flag.Bool("members", false, "write members.txt and end")
	flag.Parse()
	m, err := mono.Find(ctx)
	if err != nil {
		return err
	}
	if *members {
		text, err := m.Members(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(o.dir, "members.txt"), text, 0o644)
	}
	return o.record(ctx, m)
}

type options struct {
	only, dir  string
	all, print bool
}

func (o *options) record(ctx context.Context, m *mono.Mono) error {
	tables, err := oracle.LoadTables(os.DirFS(o.dir))
	if err != nil {
		return err
	}
	diffs, err := oracle.LoadDifferences(os.DirFS(o.dir))
	if err != nil {
		return err
	}
	found, bad := false, 0
	for _, t := range tables {
		if o.only != "" && t.Name != o.only {
			continue
		}
		found = true
		n, err := o.table(ctx, m, t, diffs)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		bad += n
	}
	if !found {
		return fmt.Errorf("no table %q", o.only)
	}
	if bad > 0 {
		return fmt.Errorf("%d rows are not what they say", bad)
	}
	return nil
}

// table records one table and returns how many of its rows are wrong.
func (o *options) table(ctx context.Context, m *mono.Mono, t *oracle.Table, diffs *oracle.Differences) (int, error) {
	var rows []*oracle.Row
	var programs []mono.Program
	for _, r := range t.Rows() {
		if o.all || !r.Recorded {
			rows = append(rows, r)
			programs = append(programs, mono.Program{Expression: r.Program(), Context: r.Context})
		}
	}
	results, err := m.Run(ctx, programs)
	if err != nil {
		return 0, err
	}
	bad := 0
	for i, r := range rows {
		trouble := results[i].Trouble
		r.Recorded, r.Want = trouble == "", results[i].Answer
		if trouble == "" && !diffs.Has(r.ID) {
			trouble = r.Trouble()
		}
		if trouble != "" {
			bad++
			fmt.Fprintf(os.Stderr, "%s.txt:%d: %s: %s\n", t.Name, r.Line, r.ID, trouble)
		}
		if o.print {
			fmt.Printf("%s\t%s\t%s\n", r.ID, r.Expression, r.Want)
		}
	}
	name := filepath.Join(o.dir, "answers", t.Name+".jsonl")
	text := t.Answers()
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) || len(text) == 0 && errors.Is(err, os.ErrNotExist) {
		return bad, nil
	}
	fmt.Printf("%s: %d rows asked, %d of %d have an answer\n", t.Name, len(rows), bytes.Count(text, []byte("\n")), len(t.Rows()))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return bad, err
	}
	return bad, os.WriteFile(name, text, 0o644)
}
