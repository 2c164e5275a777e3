package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

type policyEvalOptions struct {
	json           bool
	context, batch string
}

func policyEvalCommand() *command {
	return &command{
		name: "eval", args: "[--context FILE] [--json] EXPRESSION", short: "evaluate a policy expression",
		long: `Evaluates one C# expression of a policy, @(…) or @{…}, and prints its value as
.NET's ToString() would. What stands in neither is taken as @(…).

--context describes the request that the expression sees as "context": a JSON
object with the members request, response, variables, api, operation, product,
subscription, user, deployment, lastError, requestId, timestamp and elapsed, all
of which may be left out.

With --json it prints {"type":"System.String","value":"…"}, or {"error":{…}} with
the type and message of the exception that was thrown; an expression that is
refused has the type "compile" and C#'s code, one that was ended because it takes
too much has the type "limit". With --batch it reads lines
{"id":…,"context":{…},"expression":"@(…)"} from a file, or from standard input for
"-", and prints one line of JSON for each.`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyEvalOptions{}
			fs.BoolVar(&o.json, "json", false, "print one line of JSON")
			fs.StringVar(&o.context, "context", "", "the request, described in a JSON `FILE`")
			fs.StringVar(&o.batch, "batch", "", "evaluate the lines of a `FILE`; needs --json")
			return o
		},
		examples: []entry{
			{`cloister policy eval '@("gold".ToUpper() + 1)'`, "prints GOLD1"},
			{`cloister policy eval --context request.json '@(context.Request.Method)'`, "with a request"},
			{"cloister policy eval --json --batch questions.jsonl", "many in one process"},
		},
		failed: "the expression is refused or throws, or a file cannot be read; of a batch: a line is no question",
		max:    1, run: runPolicyEval,
	}
}

func runPolicyEval(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*policyEvalOptions)
	switch {
	case o.batch != "" && !o.json:
		return &usageError{"--batch prints JSON: give --json too"}
	case o.batch != "" && o.context != "":
		return &usageError{"with --batch each line has its own context"}
	case o.batch != "" && len(args) > 0:
		return &usageError{"with --batch the expressions stand in the file"}
	case o.batch != "":
		return evalBatch(ctx, env, o.batch)
	case len(args) == 0:
		return &usageError{"an expression is missing, such as '@(1 + 2)'"}
	}
	e := newEvaluator()
	var file string
	if o.context != "" {
		data, err := os.ReadFile(o.context)
		if err != nil {
			return err
		}
		file = string(data)
	}
	host, err := e.read(ctx, file)
	if err != nil {
		return fmt.Errorf("%s: %w", o.context, err)
	}
	answer, said := e.eval(ctx, args[0], host)
	if o.json {
		return errors.Join(writeLine(env.Stdout, answer), failedIf(answer.Error != nil))
	}
	if answer.Error != nil {
		fmt.Fprintf(env.Stderr, "cloister policy eval: %s\n", said)
		return errSilent
	}
	_, err = fmt.Fprintln(env.Stdout, said)
	return err
}

func failedIf(failed bool) error {
	if failed {
		return errSilent
	}
	return nil
}

func writeLine(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// evaluator evaluates one expression after another.
type evaluator struct {
	thread   *clr.Thread
	compiled map[string]*compiledExpression
}

type compiledExpression struct {
	e    *csharp.Expression
	errs []*syntax.Error
}

// maxCompiled is how many expressions an evaluator keeps.
const maxCompiled = 10_000

func newEvaluator() *evaluator {
	return &evaluator{
		thread:   &clr.Thread{Now: func() time.Time { return time.Now().UTC() }, Random: rand.Reader, Zone: time.UTC},
		compiled: map[string]*compiledExpression{},
	}
}

// read makes the context of a context file; an empty text is an empty one.
func (e *evaluator) read(ctx context.Context, file string) (*request.Context, error) {
	if strings.TrimSpace(file) == "" {
		file = "{}"
	}
	limits := clr.DefaultLimits()
	limits.Bytes *= 16
	limits.Steps *= 16
	e.thread.Start(ctx, limits)
	defer e.thread.End()
	return request.Read(e.thread, file)
}

// compile compiles an expression, once.
func (e *evaluator) compile(source string) *compiledExpression {
	if k := e.compiled[source]; k != nil {
		return k
	}
	k := &compiledExpression{}
	k.e, k.errs = csharp.Compile(source, csharp.Options{Context: request.ContextType()})
	if len(e.compiled) == maxCompiled {
		clear(e.compiled)
	}
	e.compiled[source] = k
	return k
}

// eval gives the answer, and what is said of it to people.
func (e *evaluator) eval(ctx context.Context, source string, host *request.Context) (csharp.Answer, string) {
	if trimmed := strings.TrimSpace(source); !strings.HasPrefix(trimmed, "@") {
		source = "@(" + source + ")"
	} else {
		source = trimmed
	}
	k := e.compile(source)
	if len(k.errs) > 0 {
		return csharp.AnswerErrors(k.errs), saidErrors(source, k.errs)
	}
	e.thread.Host = host
	v, err := k.e.Run(ctx, e.thread)
	if err != nil {
		a := csharp.AnswerError(err)
		return a, saidError(source, a, err)
	}
	// The text of the value is work too, within limits of its own.
	e.thread.Start(ctx, clr.DefaultLimits())
	defer e.thread.End()
	a := csharp.AnswerValue(e.thread, v)
	if a.Error != nil {
		return a, a.Error.Type + ": " + a.Error.Message
	}
	s, err := csharp.TextOf(e.thread, v)
	if err != nil {
		a = csharp.AnswerError(err)
		return a, a.Error.Message
	}
	return a, s
}

// saidErrors shows the places of errors with carets.
func saidErrors(source string, errs []*syntax.Error) string {
	var b strings.Builder
	for i, err := range errs {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s\n%s", err.Code, err.Reason, caret(source, err.Offset))
	}
	return b.String()
}

func saidError(source string, a csharp.Answer, err error) string {
	var thrown *csharp.Error
	if errors.As(err, &thrown) {
		return fmt.Sprintf("%s: %s\n%s", a.Error.Type, a.Error.Message, caret(source, thrown.Offset))
	}
	return a.Error.Message
}

// caret is the line of a place with a mark below it.
func caret(source string, at int) string {
	at = min(max(at, 0), len(source))
	from := strings.LastIndexByte(source[:at], '\n') + 1
	line, _, _ := strings.Cut(source[from:], "\n")
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, source[from:at])
	return "    " + printedLines(strings.TrimRight(line, "\r")) + "\n    " + indent + "^"
}

// question is a line of a batch.
type question struct {
	ID         json.RawMessage `json:"id"`
	Context    json.RawMessage `json:"context"`
	Expression *string         `json:"expression"`
}

// maxLine is the longest line of a batch.
const maxLine = 64 << 20

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
	out := bufio.NewWriter(env.Stdout)
	wrong := 0
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(out.Flush(), err)
		}
		id, answer := e.line(ctx, lines.Bytes())
		if answer.Error != nil && answer.Error.Type == "input" {
			wrong++
		}
		if err := writeAnswered(out, id, answer); err != nil {
			return err
		}
	}
	if err := errors.Join(lines.Err(), out.Flush()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if wrong > 0 {
		return fmt.Errorf("%s: %s not a question that can be asked; each says why in its answer", path, count(wrong, "line"))
	}
	return nil
}

// line answers one line. What is wrong with the line itself has the type
// "input".
func (e *evaluator) line(ctx context.Context, line []byte) (json.RawMessage, csharp.Answer) {
	var q question
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	input := func(format string, args ...any) csharp.Answer {
		return csharp.Answer{Error: &csharp.Refusal{Type: "input", Message: fmt.Sprintf(format, args...)}}
	}
	if err := d.Decode(&q); err != nil {
		return q.ID, input("the line is no question: %v; mend: {\"id\":…,\"context\":{…},\"expression\":\"@(…)\"}", err)
	}
	if q.Expression == nil {
		return q.ID, input("there is no expression")
	}
	file := string(q.Context)
	if file == "null" {
		file = ""
	}
	host, err := e.read(ctx, file)
	if err != nil {
		return q.ID, input("context: %v", err)
	}
	a, _ := e.eval(ctx, *q.Expression, host)
	return q.ID, a
}

// writeAnswered writes {"id":…, and then the answer's own members.
func writeAnswered(w io.Writer, id json.RawMessage, a csharp.Answer) error {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	body, err := a.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "{\"id\":%s,%s\n", id, body[1:])
	return err
}
