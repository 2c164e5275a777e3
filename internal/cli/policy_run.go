package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/policy/simulate"
)

type policyRunOptions struct {
	context, responses, folder string
	json, lenient              bool
}

func policyRunCommand() *command {
	return &command{
		name: "run", args: "[--context FILE] [--responses FILE] [--json] DOCUMENT", short: "run a policy document against a described request",
		long: `Runs one policy document, or fragment, against a request that is described, and
prints the request as it leaves, the answer, the variables, what policies called,
and a trace of every policy that ran. Nothing is connected to: backends and calls
answer what a file says. Policies, expressions, counters and caches are those of
the gateway.

--context describes the request, as for cloister policy eval. --responses is a
JSON object, of which everything may be left out:

  {"backend": [{"statusCode": 429, "headers": {"Retry-After": "1"}},
               {"statusCode": 200, "body": {"any": "JSON, or a text"}}],
   "calls": [{"url": "https://host/path", "method": "POST",
              "response": {"statusCode": 200, "body": "…"}}],
   "tokens": {"https://cognitiveservices.azure.com": "a token"},
   "authorizations": {"provider/id": "a token"}}

Answers are used in their order, and the last one repeats. An answer may have a
delay ("1.5s", by which the clock moves on), the backend that it is of, and, in
the place of a status, an error: "connection" or "timeout". In a url "*" stands for
any text without "/", and "**" at the end for any text; what a policy asks a
backend, such as content safety or embeddings, has the url backend:ID/PATH. A call
that nothing answers is refused, as a connection is.

What the document may name is defined by the artifacts folder to which it belongs,
as for cloister policy check; --folder names another one. With --lenient-names
every name is taken: a named value has its name as value, a fragment is empty.

With --json it prints one JSON object: request, forwarded (how often it was sent),
response, variables, calls, error (context.LastError), notes and trace, messages in
the words of a context file. The exit code is 0 whatever the answer's status is.`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyRunOptions{}
			fs.StringVar(&o.context, "context", "", "the request, described in a JSON `FILE`")
			fs.StringVar(&o.responses, "responses", "", "what backends and calls answer, in a JSON `FILE`")
			fs.StringVar(&o.folder, "folder", "", "the artifacts `DIR` that defines names")
			fs.BoolVar(&o.json, "json", false, "print one JSON object")
			fs.BoolVar(&o.lenient, "lenient-names", false, "take names that nothing defines")
			return o
		},
		examples: []entry{
			{"cloister policy run policy.xml", "a GET of https://localhost/ that the backend answers with 200"},
			{"cloister policy run --context request.json --responses answers.json policy.xml", "a described request"},
			{"cloister policy run --json policy.xml | jq .response.statusCode", "for programs"},
		},
		failed: "the document, or a description, cannot be read",
		min:    1, max: 1, run: runPolicyRun,
	}
}

func runPolicyRun(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*policyRunOptions)
	file, err := contextFile(o.context)
	if err != nil {
		return err
	}
	d, err := simulate.Describe(o.context, file)
	if err != nil {
		return err
	}
	var answers []byte
	if o.responses != "" {
		if answers, err = os.ReadFile(o.responses); err != nil {
			return err
		}
	}
	script, err := simulate.ReadScript(o.responses, answers)
	if err != nil {
		return err
	}
	folder := o.folder
	if folder == "" {
		folder = shortest(artifactsFolder(args[0]))
	}
	compiled, problems, err := simulate.Documents{Document: args[0], Folder: folder, Lenient: o.lenient}.Compile()
	if err != nil {
		return err
	}
	if compiled == nil {
		var b bytes.Buffer
		writeProblems(&b, coloursFor(env.Stderr, env), problems)
		if _, err := env.Stderr.Write(b.Bytes()); err != nil {
			return err
		}
		return errSilent
	}
	now := d.Now()
	if now.IsZero() {
		now = simulate.Begun
	}
	result, err := simulate.NewWorld(now).Run(ctx, compiled.Pipeline, compiled.Backends, d, script)
	if err != nil {
		return err
	}
	if o.json {
		return writeLine(env.Stdout, result)
	}
	var b bytes.Buffer
	writeResult(&b, coloursFor(env.Stdout, env), result)
	_, err = env.Stdout.Write(b.Bytes())
	return err
}

// writeResult is a result for people.
func writeResult(w io.Writer, c colours, r *simulate.Result) {
	title := func(text string) { fmt.Fprintf(w, "%s%s%s\n", c.bold, text, c.reset) }
	if r.Forwarded == 0 {
		title("request (not forwarded)")
	} else {
		title(fmt.Sprintf("request (forwarded %s)", count(r.Forwarded, "time")))
	}
	fmt.Fprintf(w, "  %s %s\n", printed(r.Request.Method), printed(r.Request.URL))
	writeMessage(w, r.Request.Headers, r.Request.Body)
	title("response")
	colour := c.green
	if r.Response.StatusCode >= 400 {
		colour = c.red
	}
	fmt.Fprintf(w, "  %s%d %s%s\n", colour, r.Response.StatusCode, printed(r.Response.StatusReason), c.reset)
	writeMessage(w, r.Response.Headers, r.Response.Body)
	if e := r.Error; e != nil {
		title("error")
		fmt.Fprintf(w, "  %s/%s at %s %s %s\n  %s\n", printed(e.Source), printed(e.Reason), e.Scope, e.Section, printed(e.Path), printed(e.Message))
	}
	if len(r.Variables) > 0 {
		title("variables")
		for _, v := range r.Variables {
			fmt.Fprintf(w, "  %s = %s%s%s\n", printed(v.Name), shortText(v.Value), c.dim, typeNote(v)+c.reset)
		}
	}
	if len(r.Calls) > r.Forwarded {
		title("calls")
		for _, m := range r.Calls {
			writeCall(w, c, m)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "%snote:%s %s\n", c.yellow, c.reset, printed(note))
	}
	title("trace")
	section := ""
	for _, e := range r.Trace {
		if e.Section != section {
			section = e.Section
			fmt.Fprintf(w, "  %s%s%s\n", c.dim, section, c.reset)
		}
		writeRan(w, c, e)
	}
}

func typeNote(v simulate.Variable) string {
	if v.Type == "" {
		return ""
	}
	return "  (" + v.Type + ")"
}

func writeMessage(w io.Writer, headers map[string][]string, body string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, v := range headers[name] {
			fmt.Fprintf(w, "  %s: %s\n", printed(name), printed(v))
		}
	}
	if body == "" {
		return
	}
	fmt.Fprintln(w)
	for line := range strings.Lines(body) {
		fmt.Fprintf(w, "  %s\n", printed(strings.TrimRight(line, "\r\n")))
	}
}

func writeCall(w io.Writer, c colours, m simulate.Made) {
	to := m.URL
	if m.Kind == "event" || m.Kind == "metric" {
		to = strings.TrimSpace(m.Backend + " " + m.Body)
	}
	came := ""
	switch {
	case m.Error != "":
		came = " → " + c.red + printed(m.Error) + c.reset
	case m.StatusCode != 0:
		came = fmt.Sprintf(" → %d", m.StatusCode)
	}
	fmt.Fprintf(w, "  %s %s%s\n", m.Kind, printed(strings.TrimSpace(m.Method+" "+to)), came)
}

func writeRan(w io.Writer, c colours, e simulate.Entry) {
	indent := strings.Repeat("  ", e.Depth)
	fmt.Fprintf(w, "    %s%s%s%s", indent, e.Policy, c.dim, pad(filepath.ToSlash(e.At)))
	if e.Elapsed != "" {
		fmt.Fprintf(w, "  %s", e.Elapsed)
	}
	fmt.Fprintln(w, c.reset)
	for _, s := range e.Said {
		fmt.Fprintf(w, "      %s%s%s:%s %s\n", indent, c.dim, printed(s.Name), c.reset, printed(oneLine(s.Value)))
	}
	if e.Error != "" {
		fmt.Fprintf(w, "      %s%s%s%s\n", indent, c.red, printed(e.Error), c.reset)
	}
}

func pad(at string) string {
	if at == "" {
		return ""
	}
	return "  " + at
}

// oneLine is a text without line ends, shortened.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 160 {
		return strings.ToValidUTF8(s[:160], "") + "…"
	}
	return s
}

func shortText(v json.RawMessage) string {
	if len(v) == 0 {
		return "null"
	}
	return printed(oneLine(string(v)))
}
