package openai

import (
	"fmt"
	"strings"
	"testing"
)

// chatBody is a chat request of about size bytes.
func chatBody(size int, text string) []byte {
	head := `{"model":"gpt-4o","temperature":0.2,"max_tokens":256,"stream":true,"stream_options":{"include_usage":true},` +
		`"messages":[{"role":"system","content":"You are a helpful assistant."}`
	var b strings.Builder
	b.WriteString(head)
	for b.Len() < size {
		n := min(1024, size-b.Len())
		fmt.Fprintf(&b, `,{"role":"user","content":"%s"}`, strings.Repeat(text, 1+n/len(text)))
	}
	b.WriteString(`],"user":"someone"}`)
	return []byte(b.String())
}

func BenchmarkScanRequest(b *testing.B) {
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"256B", chatBody(256, "Plain words of a prompt. ")},
		{"4KiB", chatBody(4<<10, "Plain words of a prompt. ")},
		{"4KiB-escapes", chatBody(4<<10, `Words \"in\" quotes,\n`)},
		{"4KiB-cjk", chatBody(4<<10, "東京は日本の首都です。")},
		{"1MiB", chatBody(1<<20, "Plain words of a prompt. ")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				info, err := ScanRequest(c.body)
				if err != nil || info.Model != "gpt-4o" {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, path := range []string{
		"/openai/deployments/gpt-4o/chat/completions", "/openai/v1/chat/completions", "/openai/v1/responses", "/health/of/something",
	} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Match("POST", path)
			}
		})
	}
}
