package json

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

const chatBody = `{"model":"gpt-4o","stream":true,"max_tokens":500,"messages":[{"role":"system","content":"You are terse."},` +
	`{"role":"user","content":"What is the capital of France? Answer in one word, please."}],"temperature":0.2,"user":"u-17"}`

func BenchmarkParse(b *testing.B) {
	th := started(b)
	b.SetBytes(int64(len(chatBody)))
	b.ReportAllocs()
	for b.Loop() {
		th.Start(b.Context(), clr.DefaultLimits())
		mustParse(b, th, chatBody)
	}
}

func BenchmarkText(b *testing.B) {
	th := started(b)
	k := mustParse(b, th, chatBody)
	b.ReportAllocs()
	for b.Loop() {
		th.Start(b.Context(), clr.DefaultLimits())
		Text(th, k, false)
	}
}

func BenchmarkIndexer(b *testing.B) {
	th := started(b)
	get := Family().Do[jobject+".this[string]"]
	call := &clr.Call{Thread: th, Args: []clr.Value{clr.Obj(mustParse(b, th, chatBody)), clr.Str("temperature")}}
	b.ReportAllocs()
	for b.Loop() {
		get(call)
	}
}

func BenchmarkSelectToken(b *testing.B) {
	th := started(b)
	k := mustParse(b, th, chatBody)
	b.ReportAllocs()
	for b.Loop() {
		th.Start(b.Context(), clr.DefaultLimits())
		selectOne(th, k, "messages[1].content", false)
	}
}

// BenchmarkManyProperties: the map of names is made once.
func BenchmarkManyProperties(b *testing.B) {
	th := started(b)
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(`"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":1,`)
	}
	b.ReportAllocs()
	for b.Loop() {
		th.Start(b.Context(), clr.DefaultLimits())
		mustParse(b, th, "{"+text.String()+"}")
	}
}
