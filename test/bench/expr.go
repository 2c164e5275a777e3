package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/google/cel-go/cel"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// exprWork is one thing that policies do, in three languages; empty: the
// language cannot say it.
type exprWork struct {
	name, csharp, cel, expr string
	// want is what all of them answer, in Go's %v.
	want string
}

var exprWorks = []exprWork{
	{
		name:   "guard",
		csharp: `@{ var header = "gold"; var tokens = 5000; var path = "/v1/chat/completions"; return header == "gold" && (tokens + 120 < 4096 || path.StartsWith("/v1/chat")); }`,
		cel:    `header == "gold" && (tokens + 120 < 4096 || path.startsWith("/v1/chat"))`,
		expr:   `Header == "gold" && (Tokens + 120 < 4096 || Path startsWith "/v1/chat")`,
		want:   "true",
	},
	{
		name:   "guard on context",
		csharp: `@(context.Request.Headers.GetValueOrDefault("Tier", "") == "gold" && ((int)context.Variables["tokens"] + 120 < 4096 || context.Request.Url.Path.StartsWith("/v1/chat")))`,
		cel:    `headers["tier"][0] == "gold" && (variables["tokens"] + 120 < 4096 || path.startsWith("/v1/chat"))`,
		expr:   `Headers["tier"][0] == "gold" && (Variables["tokens"] + 120 < 4096 || Path startsWith "/v1/chat")`,
		want:   "true",
	},
	{
		name:   "JObject",
		csharp: `@(new JObject(new JProperty("model", "gpt-4o"), new JProperty("limits", new JObject(new JProperty("tokens", (int)context.Variables["tokens"]), new JProperty("strict", true))), new JProperty("tags", new JArray("a", "b", "c"))))`,
		cel:    `{"model": "gpt-4o", "limits": {"tokens": tokens, "strict": true}, "tags": ["a", "b", "c"]}`,
		expr:   `{"model": "gpt-4o", "limits": {"tokens": Tokens, "strict": true}, "tags": ["a", "b", "c"]}`,
	},
	{
		name:   "LINQ",
		csharp: `@(new[] { 5, 3, 8, 1, 9, 2, 7 }.Where(n => n > 2).Select(n => n * n).Sum())`,
		expr:   `sum(map(filter([5, 3, 8, 1, 9, 2, 7], # > 2), # * #))`,
		want:   "228",
	},
	{
		name:   "loop of 100",
		csharp: `@{ int sum = 0; for (int i = 0; i < 100; i++) { if (i % 3 != 0) sum += i; } return sum; }`,
		expr:   `sum(filter(0..99, # % 3 != 0))`,
		want:   "3267",
	},
}

// exprEnv is what the other languages see.
type exprEnv struct {
	Header, Path string
	Tokens       int
	Headers      map[string][]string
	Variables    map[string]int
}

var exprSeen = exprEnv{"gold", "/v1/chat/completions", 5000, map[string][]string{"tier": {"gold"}}, map[string]int{"tokens": 5000}}

const exprContext = `{"request": {"url": "https://gateway.example/v1/chat/completions", "headers": {"Tier": ["gold"]}}, "variables": {"tokens": 5000}}`

// runExpr measures the language of policy expressions beside two others.
func runExpr(opt options) error {
	testing.Init()
	if err := flag.Set("test.benchtime", (opt.duration / 10).String()); err != nil {
		return err
	}
	fmt.Println("expressions: medians over", opt.rounds, "rounds; ns and allocations of an evaluation; instructions", instructionsNote())
	fmt.Printf("%-18s %22s %22s %22s %8s %8s\n", "", "cloister", "expr", "cel-go", "/expr", "/cel")
	var guard string
	for i, w := range exprWorks {
		ours, err := csharpWork(w)
		if err != nil {
			return err
		}
		theirs, err := exprLangWork(w)
		if err != nil {
			return err
		}
		cels, err := celWork(w)
		if err != nil {
			return err
		}
		// Rounds alternate, so that a change of the machine's speed meets all.
		a, b, c := &exprFigure{run: ours}, &exprFigure{run: theirs}, &exprFigure{run: cels}
		for range opt.rounds {
			a.round()
			b.round()
			c.round()
		}
		fmt.Printf("%-18s %22s %22s %22s %8s %8s\n", w.name, a, b, c, a.ratio(b), a.ratio(c))
		if i == 0 {
			guard = fmt.Sprintf("expr guard ns %.0f allocations %d expr-ratio %s cel-ratio %s", middle(a.ns), a.allocs, a.ratio(b), a.ratio(c))
		}
	}
	if err := runExprLoad(opt); err != nil {
		return err
	}
	fmt.Println(guard)
	return nil
}

type exprFigure struct {
	run           func()
	ns, ins       []float64
	allocs, bytes int64
}

func (f *exprFigure) round() {
	if f.run == nil {
		return
	}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.run()
		}
	})
	f.ns = append(f.ns, float64(r.T.Nanoseconds())/float64(r.N))
	f.allocs, f.bytes = r.AllocsPerOp(), r.AllocedBytesPerOp()
	if n, ok := countInstructions(f.run, 2000); ok {
		f.ins = append(f.ins, n)
	}
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func (f *exprFigure) String() string {
	if f.run == nil {
		return "cannot"
	}
	text := fmt.Sprintf("%.0f ns %d", middle(f.ns), f.allocs)
	if len(f.ins) > 0 {
		text += fmt.Sprintf(" %.0f", middle(f.ins))
	}
	return text
}

func (f *exprFigure) ratio(other *exprFigure) string {
	if other.run == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", middle(f.ns)/middle(other.ns))
}

// csharpWork compiles the work for us, and looks at its answer.
func csharpWork(w exprWork) (func(), error) {
	e, errs := csharp.Compile(w.csharp, csharp.Options{Context: csharp.ContextType()})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	t := &clr.Thread{Now: time.Now, Random: bytes.NewReader(nil), Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	host, err := request.Read(t, exprContext)
	if err != nil {
		return nil, err
	}
	t.Host = host
	ctx := context.Background()
	v, err := e.Run(ctx, t)
	if err != nil {
		return nil, err
	}
	if got := strings.ToLower(t.Text(v)); w.want != "" && got != w.want {
		return nil, fmt.Errorf("%s: C# gives %s, want %s", w.name, got, w.want)
	}
	return func() { _, _ = e.Run(ctx, t) }, nil
}

func exprLangWork(w exprWork) (func(), error) {
	if w.expr == "" {
		return nil, nil
	}
	p, err := expr.Compile(w.expr, expr.Env(exprEnv{}))
	if err != nil {
		return nil, err
	}
	// Boxed once: a copy of all variables for each evaluation would count as
	// expr's. A pointer costs expr more.
	var seen any = exprSeen
	var machine vm.VM
	got, err := machine.Run(p, seen)
	if err != nil {
		return nil, err
	}
	if w.want != "" && fmt.Sprint(got) != w.want {
		return nil, fmt.Errorf("%s: expr gives %v, want %s", w.name, got, w.want)
	}
	return func() { _, _ = machine.Run(p, seen) }, nil
}

func celWork(w exprWork) (func(), error) {
	if w.cel == "" {
		return nil, nil
	}
	env, err := cel.NewEnv(
		cel.Variable("header", cel.StringType), cel.Variable("path", cel.StringType), cel.Variable("tokens", cel.IntType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.ListType(cel.StringType))), cel.Variable("variables", cel.MapType(cel.StringType, cel.IntType)),
	)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(w.cel)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	in := map[string]any{"header": exprSeen.Header, "path": exprSeen.Path, "tokens": exprSeen.Tokens, "headers": exprSeen.Headers, "variables": exprSeen.Variables}
	got, _, err := p.Eval(in)
	if err != nil {
		return nil, err
	}
	if w.want != "" && fmt.Sprint(got.Value()) != w.want {
		return nil, fmt.Errorf("%s: cel-go gives %v, want %s", w.name, got.Value(), w.want)
	}
	return func() { _, _, _ = p.Eval(in) }, nil
}

const exprDocument = `<policies>
    <inbound>
        <base />
        <set-variable name="tier" value="@(context.Request.Headers.GetValueOrDefault("Tier", "none"))" />
        <set-variable name="body" value="@(context.Request.Body.As<JObject>(preserveContent: true))" />
        <choose>
            <when condition="@((string)context.Variables["tier"] == "gold" && ((JObject)context.Variables["body"])["max_tokens"] != null)">
                <set-header name="x-limit" exists-action="override">
                    <value>@{
                        var body = (JObject)context.Variables["body"];
                        return Math.Min(body["max_tokens"].Value<int>(), 4096).ToString();
                    }</value>
                </set-header>
            </when>
        </choose>
    </inbound>
    <backend><base /></backend>
    <outbound><base /></outbound>
    <on-error><base /></on-error>
</policies>`

// runExprLoad measures what loading costs.
func runExprLoad(opt options) error {
	file := &site.PolicyFile{Path: "policy.xml", Source: []byte(exprDocument)}
	lenient := policy.DefinedBy(&site.Artifacts{}, true)
	if checked := policy.CheckDocument(file, lenient); checked.Problems.HasErrors() {
		return fmt.Errorf("%v", checked.Problems[0])
	}
	load := &exprFigure{run: func() { policy.CheckDocument(file, lenient) }}
	one := &exprFigure{run: func() { csharp.Compile(exprWorks[1].csharp, csharp.Options{Context: csharp.ContextType()}) }}
	peer := &exprFigure{run: func() { _, _ = expr.Compile(exprWorks[1].expr, expr.Env(exprEnv{})) }}
	for range opt.rounds {
		load.round()
		one.round()
		peer.round()
	}
	fmt.Printf("load: a document of 4 expressions %s; one guard %s, expr %s, ratio %s\n", load, one, peer, one.ratio(peer))
	return nil
}
