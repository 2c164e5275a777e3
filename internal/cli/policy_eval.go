package cli

import (
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
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
	"github.com/cloister-ai/cloister/internal/site"
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
	case len(args) == 0 || strings.TrimSpace(args[0]) == "":
		return &usageError{"an expression is missing, such as '@(1 + 2)'"}
	}
	e := newEvaluator()
	file, err := contextFile(o.context)
	if err != nil {
		return err
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

// maxContext is how long a context file may be.
const maxContext = 64 << 20

// contextFile reads a context file; no name is an empty one.
func contextFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxContext+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxContext {
		return "", fmt.Errorf("%s: longer than %d MiB", path, maxContext>>20)
	}
	return string(data), nil
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
	if at := notUTF8(source); at >= 0 {
		k.errs = []*syntax.Error{{Offset: at, End: at + 1, Code: "CS1056", Reason: fmt.Sprintf("byte %d is not UTF-8", at+1)}}
		return k
	}
	k.e, k.errs = csharp.Compile(source, csharp.Options{Context: request.ContextType()})
	if len(e.compiled) == maxCompiled {
		clear(e.compiled)
	}
	e.compiled[source] = k
	return k
}

// notUTF8 is the place of the first byte that is not UTF-8; -1: there is none.
func notUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// eval gives the answer, and what is said of it to people.
func (e *evaluator) eval(ctx context.Context, source string, host *request.Context) (csharp.Answer, string) {
	source, bare := whole(source)
	k := e.compile(source)
	if len(k.errs) > 0 {
		said := saidErrors(source, k.errs)
		if bare && strings.ContainsAny(source, ";{") {
			said += "\n    mend:     statements stand in @{ … }"
		}
		return csharp.AnswerErrors(k.errs), said
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

// whole is an expression with what stands around it in a policy; bare: it had
// nothing.
func whole(source string) (full string, bare bool) {
	if trimmed := strings.TrimSpace(source); strings.HasPrefix(trimmed, "@") {
		return trimmed, false
	}
	return "@(" + source + ")", true
}

// saidErrors shows the places of errors with carets.
func saidErrors(source string, errs []*syntax.Error) string {
	var b strings.Builder
	for i, err := range errs {
		if i > 0 {
			b.WriteByte('\n')
		}
		if err.Code != "" {
			b.WriteString(err.Code + ": ")
		}
		b.WriteString(err.Reason + "\n" + placed(source, err.Offset))
	}
	return b.String()
}

func saidError(source string, a csharp.Answer, err error) string {
	var thrown *csharp.Error
	if errors.As(err, &thrown) {
		return fmt.Sprintf("%s: %s\n%s", a.Error.Type, a.Error.Message, placed(source, thrown.Offset))
	}
	return a.Error.Message
}

// placed is the line of a place with a mark below it, for people.
func placed(source string, at int) string {
	at = min(max(at, 0), len(source))
	line := strings.Count(source[:at], "\n") + 1
	column := at - strings.LastIndexByte(source[:at], '\n')
	excerpt := site.Excerpt([]byte(source), site.Pos{Line: line, Column: column})
	return "    " + strings.ReplaceAll(excerpt, "\n", "\n    ")
}
