package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/cloister-ai/cloister/internal/csharp"
)

// question is a line of a batch.
type question struct {
	ID         json.RawMessage `json:"id"`
	Context    json.RawMessage `json:"context"`
	Expression *string         `json:"expression"`
}

// maxLine is the longest line of a batch.
const maxLine = 64 << 20

// evalBatch answers line after line. Each answer is written when it is known:
// who asks may wait for it before the next question, and what ends the process
// takes no answers along.
func evalBatch(ctx context.Context, env *Env, path string) error {
	in := env.stdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	e := newEvaluator()
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	n, wrong := 0, 0
	for lines.Scan() {
		line := lines.Bytes()
		if n++; n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		id, answer, err := e.line(ctx, line)
		if err != nil {
			wrong++
			answer = csharp.Answer{Error: &csharp.Refusal{Type: "input", Message: fmt.Sprintf("line %d: %v", n, err)}}
		}
		if err := writeAnswered(env.Stdout, id, answer); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s: line %d is longer than %d MiB; nothing behind it was read", path, n+1, maxLine>>20)
	case err != nil: // it names the file
		return err
	case wrong > 0:
		return fmt.Errorf("%s: %s not a question that can be asked; each says why in its answer", path, count(wrong, "line"))
	}
	return nil
}

// line answers one line; the error says what is wrong with the line itself.
func (e *evaluator) line(ctx context.Context, line []byte) (json.RawMessage, csharp.Answer, error) {
	if at := notUTF8(string(line)); at >= 0 {
		return nil, csharp.Answer{}, fmt.Errorf("byte %d is not UTF-8", at+1)
	}
	q, err := readQuestion(line)
	if err != nil {
		return q.ID, csharp.Answer{}, err
	}
	file := string(q.Context)
	if file == "null" {
		file = ""
	}
	host, err := e.read(ctx, file)
	if err != nil {
		return q.ID, csharp.Answer{}, fmt.Errorf("context: %w", err)
	}
	a, _ := e.eval(ctx, *q.Expression, host)
	return q.ID, a, nil
}

// readQuestion reads a line; even of a wrong one it gives the id, if it can.
func readQuestion(line []byte) (q question, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err = d.Decode(&q)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return q, fmt.Errorf("%s: a %s where a string belongs", kind.Field, kind.Value)
	case errors.As(err, &kind):
		err = fmt.Errorf("a JSON %s", kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the JSON ends early")
	case err == nil && d.InputOffset() < int64(len(bytes.TrimRight(line, " \t\r"))):
		err = errors.New("there is more behind the object")
	}
	if err != nil {
		return q, fmt.Errorf("no question: %w; mend: {\"id\":…,\"context\":{…},\"expression\":\"@(…)\"} in one line", err)
	}
	if q.Expression == nil {
		return q, errors.New("there is no expression")
	}
	return q, nil
}

// writeAnswered writes {"id":…, and then the answer's own members, at once.
func writeAnswered(w io.Writer, id json.RawMessage, a csharp.Answer) error {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	body, err := a.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = w.Write(slices.Concat([]byte(`{"id":`), id, []byte(","), body[1:], []byte("\n")))
	return err
}
