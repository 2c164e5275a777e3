package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// findings is all that a StreamMeter says.
type findings struct {
	Events, Chunks   int
	Text             int
	Usage            Usage
	HasUsage         bool
	Done, Failed     bool
	BoundaryAtTheEnd bool
}

func watch(writes ...string) findings {
	var m StreamMeter
	for _, w := range writes {
		m.Write([]byte(w))
	}
	b := m.Boundary()
	m.Close()
	return findingsOf(&m, b)
}

func findingsOf(m *StreamMeter, boundary bool) findings {
	u, ok := m.Usage()
	return findings{m.Events(), m.Chunks(), m.totals.text, u, ok, m.Done(), m.Failed(), boundary}
}

const chatStream = `data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}

data: {"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk","usage":null}

data: {"choices":[{"content_filter_results":{},"delta":{"content":"Hello"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk","usage":null}

data: {"choices":[{"content_filter_results":{},"delta":{"content":" \"usage\":{"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk","usage":null}

data: {"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0,"logprobs":null}],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk","usage":null}

data: {"choices":[],"created":1,"id":"c","model":"gpt-4o","object":"chat.completion.chunk","usage":{"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1},"prompt_tokens":8,"prompt_tokens_details":{"cached_tokens":4},"total_tokens":10}}

data: [DONE]

`

const responseStream = `event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"r","error":null,"usage":null}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":1,"delta":"Hi"}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":2,"text":"Hi"}

event: response.completed
data: {"type":"response.completed","sequence_number":3,"response":{"id":"r","error":null,"usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":0},"output_tokens":1,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":4}}}

`

func TestStreamMeter(t *testing.T) {
	f := func(name string, want findings, writes ...string) {
		t.Helper()
		if d := cmp.Diff(want, watch(writes...)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
	chat := findings{Events: 7, Chunks: 2, Text: 17, HasUsage: true, Done: true, BoundaryAtTheEnd: true,
		Usage: Usage{Prompt: 8, Completion: 2, Total: 10, Cached: 4, Reasoning: 1}}
	f("chat", chat, chatStream)
	f("chat, CRLF", chat, strings.ReplaceAll(chatStream, "\n", "\r\n"))
	f("chat, CR", chat, strings.ReplaceAll(chatStream, "\n", "\r"))
	f("chat, byte order mark", chat, "\xef", "\xbb\xbf"+chatStream)
	f("chat, byte by byte", chat, strings.Split(chatStream, "")...)
	f("responses", findings{Events: 4, Chunks: 1, Text: 2, HasUsage: true, Done: true, BoundaryAtTheEnd: true,
		Usage: Usage{Prompt: 3, Completion: 1, Total: 4}}, responseStream)
	f("nothing", findings{BoundaryAtTheEnd: true})
	f("comments and blank lines", findings{BoundaryAtTheEnd: true}, ": ping\n\n\n\r\n: pong\n\n")
	f("unknown fields", findings{Events: 1, BoundaryAtTheEnd: true}, "id: 1\nretry: 5\nfoo\ndata\n\n")
	f("data in two lines", findings{Events: 1, HasUsage: true, Usage: Usage{Prompt: 1, Total: 1}, BoundaryAtTheEnd: true},
		"data: {\"usage\":\ndata: {\"prompt_tokens\":1}}\n\n")
	f("cut in a line", findings{Events: 2, Chunks: 1, Text: 1}, "data: {}\n\ndata: {\"content\":\"a\"")
	f("cut before the blank line", findings{Events: 1}, "data: {}\n")
	f("cut after a CR", findings{Events: 1, BoundaryAtTheEnd: true}, "data: {}\r\n\r")
	f("error", findings{Events: 1, Failed: true, BoundaryAtTheEnd: true}, string(StreamError("x", "y")))
	f("error event", findings{Events: 1, Done: true, Failed: true, BoundaryAtTheEnd: true}, "event: error\ndata: {\"type\":\"error\",\"code\":null}\n\n")
	f("failed by type alone", findings{Events: 1, Failed: true, BoundaryAtTheEnd: true},
		`data: {"type":"response.failed","response":{"error":{"code":"server_error"}}}`+"\n\n")
	f("no error", findings{Events: 1, BoundaryAtTheEnd: true}, "data: {\"error\":null,\"a\":{\"error\":{}}}\n\n")
	f("words that look like members", findings{Events: 1, Chunks: 1, Text: 5, HasUsage: true, Usage: Usage{Prompt: 2, Total: 2}, BoundaryAtTheEnd: true},
		`data: {"content":"usage","x":"error","usage":{"prompt_tokens":2}}`+"\n\n")
	f("usage of something else", findings{Events: 1, BoundaryAtTheEnd: true}, `data: {"x":{"usage":{"prompt_tokens":2}}}`+"\n\n")
	f("tool call", findings{Events: 1, Chunks: 1, Text: 4, BoundaryAtTheEnd: true},
		`data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"a"}}]}}]}`+"\n\n")
}

func TestStreamMeterLongEvents(t *testing.T) {
	long := `{"content":"` + strings.Repeat("a", maxEvent) + `","usage":{"prompt_tokens":2}}`
	want := findings{Events: 2, Done: true, BoundaryAtTheEnd: true}
	whole := "data: " + long + "\n\ndata: [DONE]\n\n"
	if d := cmp.Diff(want, watch(whole)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	var m StreamMeter
	for s := whole; s != ""; {
		n := min(len(s), 7777)
		m.Write([]byte(s[:n]))
		s = s[n:]
		if kept := cap(m.line) + cap(m.data); kept > 4*maxEvent {
			t.Fatalf("%d bytes are kept", kept)
		}
	}
	if d := cmp.Diff(want, findingsOf(&m, m.Boundary())); d != "" {
		t.Errorf("in pieces: (-want +got)\n%s", d)
	}
	if kept := cap(m.line) + cap(m.data); kept > 2*keepBuffer {
		t.Errorf("%d bytes are kept after the event", kept)
	}
}

func TestEstimate(t *testing.T) {
	var m StreamMeter
	for range 5 {
		m.Write([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"))
	}
	if d := cmp.Diff(Usage{Prompt: 3, Completion: 5, Total: 8, Estimated: true}, m.Estimate(9)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	m.Write([]byte("data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1}}\n\n"))
	if d := cmp.Diff(Usage{Prompt: 7, Completion: 1, Total: 8}, m.Estimate(9)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 4: 1, 5: 2} {
		if got := EstimateTokens(n); got != want {
			t.Errorf("EstimateTokens(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestStreamError(t *testing.T) {
	got := string(StreamError("Backend\n", "it \"broke\"\r\n\n"))
	if strings.Count(got, "\n") != 2 || strings.Contains(got, "\r") {
		t.Fatalf("more than one line: %q", got)
	}
	var e struct {
		Error struct{ Code, Message string }
	}
	data := strings.TrimSuffix(strings.TrimPrefix(got, "data: "), "\n\n")
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatal(err)
	}
	if e.Error.Code != "Backend\n" || e.Error.Message != "it \"broke\"\r\n\n" {
		t.Errorf("got %+v", e)
	}
}

// FuzzSSE: what a meter finds does not depend on how the bytes were cut, and
// the bytes are left alone.
func FuzzSSE(f *testing.F) {
	f.Add([]byte(chatStream), uint64(1))
	f.Add([]byte(strings.ReplaceAll(responseStream, "\n", "\r\n")), uint64(2))
	f.Add([]byte("\ufeffdata\rdata:\r\ndata: x\n\n: c\n\revent: error\ndata:{}\r\r"), uint64(3))
	f.Add([]byte("data: {\"usage\":\ndata: {\"prompt_tokens\":1}}\n\n"), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		want := watch(string(stream))
		cut := []byte(string(stream))
		var m StreamMeter
		for rest := cut; len(rest) > 0; {
			seed = seed*6364136223846793005 + 1442695040888963407
			n := min(len(rest), 1+int(seed>>59))
			w := append([]byte(nil), rest[:n]...)
			m.Write(w)
			if string(w) != string(rest[:n]) {
				t.Fatal("bytes were changed")
			}
			for i := range w {
				w[i] = '#' // the meter must not hold on to a write
			}
			rest = rest[n:]
		}
		b := m.Boundary()
		m.Close()
		if d := cmp.Diff(want, findingsOf(&m, b)); d != "" {
			t.Fatalf("cut differently (-whole +cut)\n%s", d)
		}
		if m.Bytes() != int64(len(stream)) {
			t.Fatalf("%d bytes of %d", m.Bytes(), len(stream))
		}
		checkAgainstReference(t, stream, want)
	})
}

// checkAgainstReference reads the stream the way the standard words it.
func checkAgainstReference(t *testing.T, stream []byte, got findings) {
	s := strings.TrimPrefix(string(stream), "\ufeff")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if !strings.HasSuffix(s, "\n\n") {
		s += "\n\n"
	}
	events, done, hasData := 0, false, false
	var data []string
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" {
			if hasData {
				events++
				done = done || strings.Join(data, "\n") == "[DONE]"
			}
			data, hasData = nil, false
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if name == "data" {
			data, hasData = append(data, strings.TrimPrefix(value, " ")), true
		}
	}
	if got.Events != events || done && !got.Done {
		t.Fatalf("%q: %d events, done %v, want %d, %v", stream, got.Events, got.Done, events, done)
	}
}

func BenchmarkStreamMeter(b *testing.B) {
	event := `data: {"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"}},"delta":{"content":" word"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"chatcmpl-9Vx","model":"gpt-4o-2024-08-06","object":"chat.completion.chunk","system_fingerprint":"fp_1","usage":null}` + "\n\n"
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprintf("%devents", n), func(b *testing.B) {
			var m StreamMeter
			w := []byte(strings.Repeat(event, n))
			b.SetBytes(int64(len(w)))
			b.ReportAllocs()
			for b.Loop() {
				m.Write(w)
			}
			if m.Chunks() == 0 {
				b.Fatal("nothing was counted")
			}
		})
	}
}
