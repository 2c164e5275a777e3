package oracle_test

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/test/oracle"
)

var (
	onlyTable = flag.String("table", "", "run the rows of tables whose name begins so")
	onlyRow   = flag.String("row", "", "run the rows whose id has this in it")
)

// tally counts the rows of a table.
type tally struct{ agree, differ int }

// TestRows holds the evaluator against the recorded answers.
func TestRows(t *testing.T) {
	tables, err := oracle.LoadTables(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	diffs, err := oracle.LoadDifferences(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if !strings.HasPrefix(table.Name, *onlyTable) {
			continue
		}
		t.Run(table.Name, func(t *testing.T) {
			var n tally
			for _, r := range table.Rows() {
				if r.Recorded && strings.Contains(r.ID, *onlyRow) {
					n.row(t, r, diffs)
				}
			}
			t.Logf("%d agree, %d differ", n.agree, n.differ)
		})
	}
}

func (n *tally) row(t *testing.T, r *oracle.Row, diffs *oracle.Differences) {
	for _, plain := range []bool{false, true} {
		if wrong := diffs.Compare(r, answer(r, plain)); wrong != "" {
			n.differ++
			way := ""
			if plain {
				way = " (plain)"
			}
			t.Errorf("%s%s: %s\n\t%s", r.ID, way, r.Expression, wrong)
			return
		}
	}
	n.agree++
}

// answer runs a row.
func answer(r *oracle.Row, plain bool) oracle.Answer {
	e, errs := csharp.Compile(r.Expression, csharp.Options{Context: csharp.ContextType(), Plain: plain})
	if len(errs) > 0 {
		return fromAnswer(csharp.AnswerErrors(errs))
	}
	th := newThread()
	th.Start(context.Background(), clr.DefaultLimits())
	host := string(r.Context)
	if host == "" {
		host = "{}"
	}
	c, err := request.Read(th, host)
	if err != nil {
		return oracle.Answer{Error: &oracle.Failure{Type: "context", Message: err.Error()}}
	}
	th.Host = c
	v, err := e.Run(context.Background(), th)
	if err != nil {
		return fromAnswer(csharp.AnswerError(err))
	}
	return fromAnswer(csharp.AnswerValue(th, v))
}

func newThread() *clr.Thread {
	random := bytes.NewReader(bytes.Repeat([]byte{7, 1, 3}, 1<<12))
	return &clr.Thread{
		Now:    func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Random: random,
		Zone:   time.UTC,
	}
}

func fromAnswer(a csharp.Answer) oracle.Answer {
	out := oracle.Answer{Type: a.Type, Value: a.Value}
	if a.Error != nil {
		out.Error = &oracle.Failure{Type: a.Error.Type, Code: a.Error.Code, Message: a.Error.Message}
	}
	return out
}
