package csharp

import (
	"context"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// The work of benchmarks: what policies do on every request.
const (
	guardSource = `@{
		var header = "gold"; var tokens = 5000; var path = "/v1/chat/completions";
		return header == "gold" && (tokens + 120 < 4096 || path.StartsWith("/v1/chat"));
	}`
	objectSource = `@(new JObject(
		new JProperty("model", "gpt-4o"),
		new JProperty("limits", new JObject(new JProperty("tokens", 4096), new JProperty("strict", true))),
		new JProperty("tags", new JArray("a", "b", "c"))).ToString(Newtonsoft.Json.Formatting.None))`
	linqSource = `@(new[] { 5, 3, 8, 1, 9, 2, 7 }.Where(n => n > 2).Select(n => n * n).OrderBy(n => n).Take(3).Sum())`
	loopSource = `@{ int sum = 0; for (int i = 0; i < 100; i++) { if (i % 3 != 0) sum += i; } return sum; }`
)

func newThread() *clr.Thread {
	return &clr.Thread{Now: time.Now, Zone: time.UTC}
}

func benchmark(b *testing.B, source, want string) {
	for _, way := range []struct {
		name  string
		plain bool
	}{{"specialised", false}, {"plain", true}} {
		b.Run(way.name, func(b *testing.B) {
			e, errs := Compile(source, Options{Plain: way.plain})
			if len(errs) > 0 {
				b.Fatal(errs[0])
			}
			t, ctx := newThread(), context.Background()
			v, err := e.Run(ctx, t)
			if err != nil || t.Text(v) != want {
				b.Fatal(t.Text(v), err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = e.Run(ctx, t)
			}
		})
	}
}

func BenchmarkGuard(b *testing.B) { benchmark(b, guardSource, "True") }
func BenchmarkLINQ(b *testing.B)  { benchmark(b, linqSource, "83") }
func BenchmarkLoop(b *testing.B)  { benchmark(b, loopSource, "3267") }
func BenchmarkObject(b *testing.B) {
	benchmark(b, objectSource, `{"model":"gpt-4o","limits":{"tokens":4096,"strict":true},"tags":["a","b","c"]}`)
}

// BenchmarkCompile is what loading a document costs for each expression.
func BenchmarkCompile(b *testing.B) {
	for name, source := range map[string]string{"guard": guardSource, "object": objectSource, "linq": linqSource} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, errs := Compile(source, Options{}); len(errs) > 0 {
					b.Fatal(errs[0])
				}
			}
		})
	}
}
