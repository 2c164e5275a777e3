package csharp_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/plan"
	"github.com/cloister-ai/cloister/test/oracle"
)

// tight are limits that a fuzzed expression soon comes to.
var tight = clr.Limits{Steps: 100_000, Bytes: 4 << 20, Depth: 48, Time: time.Second}

func thread() *clr.Thread {
	return &clr.Thread{
		Now:    func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Random: bytes.NewReader(bytes.Repeat([]byte{7, 1, 3}, 1<<10)),
		Zone:   time.UTC,
	}
}

// sources are the expressions of the oracle.
func sources(f testing.TB) []string {
	rows, err := oracle.Load()
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.Expression)
	}
	return out
}

// seeds adds some of them: with all, a fuzzer would be busy with nothing else.
func seeds(f *testing.F) {
	for i, s := range sources(f) {
		if i%16 == 0 {
			f.Add(s)
		}
	}
}

// token finds names, numbers, strings and single characters.
var token = regexp.MustCompile(`[A-Za-z_]\w*|\d+|"[^"]*"|\s+|.`)

// extremes are put where a token stood.
var extremes = []string{"0", "-1", "int.MaxValue", "int.MinValue", "null", "1e300", "long.MinValue", "\"\"", "\"\\ud83d\"", "default", "(object)1", "new int[0]", "0.1m"}

// mutated puts tokens of b, and extremes, into a.
func mutated(r *rand.Rand, a, b string) string {
	to, from := token.FindAllString(a, -1), token.FindAllString(b, -1)
	for range 1 + r.IntN(3) {
		i := r.IntN(len(to))
		switch r.IntN(4) {
		case 0:
			to[i] = extremes[r.IntN(len(extremes))]
		case 1:
			to[i] = to[r.IntN(len(to))]
		default:
			to[i] = from[r.IntN(len(from))]
		}
	}
	return strings.Join(to, "")
}

// FuzzMutated is FuzzRun and FuzzAgree on what was an expression of the oracle,
// so that more of it compiles.
func FuzzMutated(f *testing.F) {
	all := sources(f)
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		agree(t, mutated(r, all[r.IntN(len(all))], all[r.IntN(len(all))]))
	})
}

// run compiles and runs a source; ok is false where it does not compile.
func run(t *testing.T, source string, plain bool) (a csharp.Answer, limited, ok bool) {
	e, errs := csharp.Compile(source, csharp.Options{Context: csharp.ContextType(), Limits: tight, Plain: plain})
	if len(errs) > 0 {
		if errs[0].Code == "CS0583" {
			t.Fatalf("%s\n%v", source, errs[0])
		}
		return a, false, false
	}
	th := thread()
	start := time.Now()
	v, err := e.Run(context.Background(), th)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	var bug *plan.Bug
	if errors.As(err, &bug) {
		t.Fatalf("%s\n%v\n%s", source, bug, bug.Stack)
	}
	var limit *clr.LimitError
	if err != nil {
		return csharp.AnswerError(err), errors.As(err, &limit), true
	}
	a = csharp.AnswerValue(th, v)
	return a, a.Error != nil && a.Error.Type == "limit", true
}

// FuzzRun: whatever the source, nothing panics, and every run ends.
func FuzzRun(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source string) { run(t, source, false) })
}

// FuzzAgree: the plain and the specialised evaluation come to the same, but
// where a limit ends one of them.
func FuzzAgree(f *testing.F) {
	seeds(f)
	f.Fuzz(agree)
}

// FuzzAgreeGenerated is FuzzAgree on expressions that all compile.
func FuzzAgreeGenerated(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { agree(t, oracle.Generate(seed, 1)[0].String()) })
}

func agree(t *testing.T, source string) {
	a, limitedA, ok := run(t, source, false)
	if !ok {
		return
	}
	b, limitedB, _ := run(t, source, true)
	if limitedA || limitedB {
		return
	}
	x, errX := a.MarshalJSON()
	y, errY := b.MarshalJSON()
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		t.Errorf("%s\nspecialised: %s\nplain:       %s", source, x, y)
	}
}
