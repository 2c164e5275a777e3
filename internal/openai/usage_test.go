package openai

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseUsage(t *testing.T) {
	f := func(body string, want Usage, ok bool) {
		t.Helper()
		got, found := ParseUsage([]byte(body))
		if found != ok {
			t.Errorf("%s: found %v", body, found)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", body, d)
		}
	}
	f(`{"choices":[{"usage":{"prompt_tokens":9}}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`,
		Usage{Prompt: 5, Completion: 7, Total: 12}, true)
	f(`{"usage":{"prompt_tokens":5,"total_tokens":5}}`, Usage{Prompt: 5, Total: 5}, true)
	f(`{"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12}}`,
		Usage{Prompt: 5, Completion: 7, Total: 12, Cached: 2, Reasoning: 3}, true)
	f(`{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`, Usage{Prompt: 1, Completion: 2, Total: 3}, true)
	f(`{"response":{"response":{"usage":{"input_tokens":1}}}}`, Usage{}, false)
	f(`{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}`, Usage{Prompt: 2, Total: 2}, true)
	f(`{"usage":{"prompt_tokens":-5,"completion_tokens":99999999999,"total_tokens":"x"}}`, Usage{}, true)
	f(`{"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":1}}`, Usage{Prompt: 5, Completion: 7, Total: 12}, true)
	f(`{"usage":{"prompt_tokens_details":null,"prompt_tokens":5}}`, Usage{Prompt: 5, Total: 5}, true)
	f(`{"usage":null}`, Usage{}, false)
	f(`{"usage":{}}`, Usage{}, false)
	f(`{"usage":{"prompt_tokens":5`, Usage{}, false)
	f(`[{"usage":{"prompt_tokens":5}}]`, Usage{}, false)
	f(``, Usage{}, false)
}

func TestUsageMeter(t *testing.T) {
	f := func(body string, want Usage, ok bool) {
		t.Helper()
		for size := 1; size <= len(body)+1; size++ {
			var m UsageMeter
			for s := body; s != ""; {
				n := min(size, len(s))
				m.Write([]byte(s[:n]))
				s = s[n:]
			}
			got, found := m.Usage()
			if d := cmp.Diff(want, got); d != "" || found != ok {
				t.Fatalf("%s in writes of %d: %v (-want +got)\n%s", body, size, found, d)
			}
			if m.Bytes() != int64(len(body)) {
				t.Fatalf("%d bytes of %d", m.Bytes(), len(body))
			}
		}
	}
	one := Usage{Prompt: 1, Completion: 2, Total: 3}
	const object = `{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`
	f(`{"usage":`+object+`}`, one, true)
	f(` { "a" : [1,{"usage":{"prompt_tokens":9}}] , "usage" : `+object+` , "z":"usage"}`, one, true)
	f(`{"a":"\"usage\":{\"prompt_tokens\":9}","b":"\\","usage":`+object+`}`, one, true)
	f(`{"usage":`+object+`,"x":{"usage":{"prompt_tokens":9}},"y":["usage",{"prompt_tokens":9}]}`, one, true)
	f(`{"usage":null,"a":{"prompt_tokens":9}}`, Usage{}, false)
	f(`{"usage":"x","a":{"prompt_tokens":9}}`, Usage{}, false)
	f(`{"usage":[{"prompt_tokens":9}]}`, Usage{}, false)
	f(`{"usages":`+object+`,"usag":`+object+`,"xusage":`+object+`}`, Usage{}, false)
	f(`{"a":"usage","b":`+object+`}`, Usage{}, false)
	f(`["usage",`+object+`]`, Usage{}, false)
	f(`{"data":[{"embedding":[0.25,-1e-3,7,0.125,0.5,-0.75,3.25]}],"usage":`+object+`}`, one, true)
	f(`{"usage":{"prompt_tokens":1,"x":{"y":["}",{}]},"completion_tokens":2}}`, one, true)
	f(`}}]]{"usage":`+object+`}`, Usage{}, false)
}

func TestUsageMeterIsBounded(t *testing.T) {
	var m UsageMeter
	m.Write([]byte(`{"usage":{"x":"`))
	for range 100 {
		m.Write([]byte(strings.Repeat("a", 1000)))
	}
	m.Write([]byte(`","prompt_tokens":1}}`))
	if _, ok := m.Usage(); ok {
		t.Error("an object beyond the bound was read")
	}
	if cap(m.kept) > 2*maxUsage {
		t.Errorf("%d bytes are kept", cap(m.kept))
	}
}

// FuzzUsageMeter: a meter finds in the bytes that pass what the parser finds in
// the whole of a valid answer, however it was cut.
func FuzzUsageMeter(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\"",{"usage":{}}],"usage":{"prompt_tokens":1}}`), uint64(1))
	f.Add([]byte(`{"usage":{"prompt_tokens":1},"b":"\\\"usage\":{}","usage":null}`), uint64(9))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		if _, err := ScanRequest(body); err != nil || len(body) > maxUsage {
			return
		}
		var m UsageMeter
		for rest := body; len(rest) > 0; {
			seed = seed*6364136223846793005 + 1442695040888963407
			n := min(len(rest), 1+int(seed>>60))
			m.Write(rest[:n])
			rest = rest[n:]
		}
		var sum summary
		s := scanner{b: body}
		sum.object(&s, false) // "usage" of the top level alone
		got, ok := m.Usage()
		if ok != sum.hasUsage || got != sum.usage {
			t.Fatalf("%q: the meter finds %+v, the parser %+v", body, got, sum.usage)
		}
	})
}

func BenchmarkUsageMeter(b *testing.B) {
	chat := `{"choices":[{"message":{"content":"` + strings.Repeat("plain words ", 90) + `"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	vector := `{"data":[{"embedding":[` + strings.Repeat("0.0123456,", 1535) + `1]}],"usage":{"prompt_tokens":1,"total_tokens":1}}`
	for name, body := range map[string]string{"chat": chat, "embedding": vector} {
		b.Run(name, func(b *testing.B) {
			w := []byte(body)
			b.SetBytes(int64(len(w)))
			b.ReportAllocs()
			for b.Loop() {
				var m UsageMeter
				m.Write(w)
				if _, ok := m.Usage(); !ok {
					b.Fatal("no usage")
				}
			}
		})
	}
}
