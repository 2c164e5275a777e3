package oracle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// Question is one line of a file for "cloister policy eval --batch".
type Question struct {
	ID         string          `json:"id"`
	Context    json.RawMessage `json:"context,omitempty"`
	Expression string          `json:"expression"`
}

// Evaluator answers questions, in their order. An answer without type, value
// and error says nothing and is compared with nothing. The error is of the
// machinery.
type Evaluator func(ctx context.Context, questions []Question) ([]Answer, error)

// Each makes an evaluator of a function that answers one question.
func Each(f func(context json.RawMessage, expression string) Answer) Evaluator {
	return func(_ context.Context, questions []Question) ([]Answer, error) {
		out := make([]Answer, len(questions))
		for i, q := range questions {
			out[i] = f(q.Context, q.Expression)
		}
		return out, nil
	}
}

// Command is the evaluator of the built program: one process for all
// questions.
func Command(cloister string) Evaluator {
	return func(ctx context.Context, questions []Question) ([]Answer, error) {
		file, err := os.CreateTemp("", "oracle-*.jsonl")
		if err != nil {
			return nil, err
		}
		defer os.Remove(file.Name())
		w := bufio.NewWriter(file)
		for i, q := range questions {
			q.ID = strconv.Itoa(i)
			w.Write(append(encode(q), '\n'))
		}
		if err := w.Flush(); err != nil {
			return nil, err
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, cloister, "policy", "eval", "--json", "--batch", file.Name())
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil && len(text) == 0 {
			return nil, fmt.Errorf("%s policy eval --batch: %w\n%s", cloister, err, stderr.Bytes())
		}
		return readAnswers(text, len(questions))
	}
}

func readAnswers(text []byte, n int) ([]Answer, error) {
	out := make([]Answer, n)
	seen := 0
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, 1<<26)
	for sc.Scan() {
		var head struct{ ID string }
		if err := json.Unmarshal(sc.Bytes(), &head); err != nil {
			return nil, fmt.Errorf("answer %q: %w", sc.Bytes(), err)
		}
		i, err := strconv.Atoi(head.ID)
		if err != nil || i < 0 || i >= n {
			return nil, fmt.Errorf("answer to a question that was not asked: %q", head.ID)
		}
		if err := json.Unmarshal(sc.Bytes(), &out[i]); err != nil {
			return nil, fmt.Errorf("answer %q: %w", sc.Bytes(), err)
		}
		seen++
	}
	if seen != n {
		return nil, fmt.Errorf("%d answers to %d questions", seen, n)
	}
	return out, sc.Err()
}

// Found is a random expression to which two evaluators give two answers, made
// as small as Hunt could.
type Found struct {
	Expression  string
	Truth, Ours Answer
	Difference  string
	Original    string // as it was generated
}

// Tally counts what the truth said about all expressions.
type Tally struct{ Values, Exceptions, Refused, Nothing int }

// Hunt asks both evaluators about n random expressions and returns at most
// most differences.
func Hunt(ctx context.Context, truth, ours Evaluator, seed uint64, n, most int) ([]Found, Tally, error) {
	expressions := Generate(seed, n)
	var tally Tally
	list, err := differ(ctx, truth, ours, expressions, &tally)
	if err != nil {
		return nil, tally, err
	}
	var found []Found
	for _, d := range list {
		if len(found) == most {
			break
		}
		small, err := shrink(ctx, truth, ours, d)
		if err != nil {
			return found, tally, err
		}
		small.Original = d.expression.String()
		found = append(found, small.Found)
	}
	return found, tally, nil
}

type differing struct {
	Found
	expression Expression
}

// shrink takes the smallest simpler expression that differs too, until none
// does.
func shrink(ctx context.Context, truth, ours Evaluator, d differing) (differing, error) {
	for range 30 {
		candidates := d.expression.Smaller()
		if len(candidates) > 120 {
			candidates = candidates[:120]
		}
		smaller, err := differ(ctx, truth, ours, candidates, nil)
		if err != nil || len(smaller) == 0 {
			return d, err
		}
		d = smaller[0]
	}
	return d, nil
}

func differ(ctx context.Context, truth, ours Evaluator, expressions []Expression, tally *Tally) ([]differing, error) {
	questions := make([]Question, len(expressions))
	for i, e := range expressions {
		questions[i] = Question{ID: strconv.Itoa(i), Context: RandomContext, Expression: e.String()}
	}
	want, err := truth(ctx, questions)
	if err != nil {
		return nil, fmt.Errorf("the truth: %w", err)
	}
	if tally != nil {
		for _, a := range want {
			tally.count(a)
		}
	}
	got, err := ours(ctx, questions)
	if err != nil {
		return nil, err
	}
	var out []differing
	for i, e := range expressions {
		if want[i].empty() || got[i].empty() || stumbled(want[i]) {
			continue
		}
		if text := Compare(want[i], got[i]); text != "" {
			out = append(out, differing{Found{Expression: e.String(), Truth: want[i], Ours: got[i], Difference: text}, e})
		}
	}
	return out, nil
}

// stumbled reports whether the compiler failed where it should not have: what
// is generated is good syntax, but mcs takes some of it for something else.
func stumbled(a Answer) bool {
	return a.Refused() && (syntaxCode[a.Error.Code] || a.Error.Code == "CS0584" || a.Error.Code == "CS0589")
}

func (a Answer) empty() bool { return a.Type == "" && a.Value == nil && a.Error == nil }

func (t *Tally) count(a Answer) {
	switch {
	case a.empty(), stumbled(a):
		t.Nothing++
	case a.Refused():
		t.Refused++
	case a.Threw():
		t.Exceptions++
	default:
		t.Values++
	}
}
