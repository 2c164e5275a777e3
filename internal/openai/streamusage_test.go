package openai

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAskUsage(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"stream":true}`, `{"stream_options":{"include_usage":true},"stream":true}`},
		{` { "stream" : true }`, ` {"stream_options":{"include_usage":true}, "stream" : true }`},
		{`{}`, `{"stream_options":{"include_usage":true}}`},
		{`{"stream":true,"stream_options":null}`, `{"stream":true,"stream_options":{"include_usage":true}}`},
		{`{"stream_options": {} }`, `{"stream_options": {"include_usage":true} }`},
		{`{"stream_options":{"x":1}}`, `{"stream_options":{"include_usage":true,"x":1}}`},
		{`{"stream_options":{"include_usage":false,"x":1}}`, `{"stream_options":{"include_usage":true,"x":1}}`},
		{`{"stream_options":{"include_usage": null}}`, `{"stream_options":{"include_usage": true}}`},
		{`{"\u0073tream_options":{"include_usage":false}}`, `{"\u0073tream_options":{"include_usage":true}}`},
		{`{"stream_options":{"include_usage":true}}`, ""},
		{`{"stream":true,`, ""},
		{`[]`, ""},
		{``, ""},
	} {
		edit, ok := AskUsage([]byte(c.body))
		got := ""
		if ok {
			got = c.body[:edit.At] + edit.Insert + c.body[edit.End:]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}

const (
	pieceEvent = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"usage\\\":{\"}}],\"usage\":null}\n\n"
	firstEvent = "data: {\"choices\":[],\"prompt_filter_results\":[{\"a\":{}}],\"usage\":null}\n\n"
	usageEvent = "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6}}\n\n"
	bothEvent  = "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":5}}\n\n"
	doneEvent  = "data: [DONE]\n\n"
)

func filtered(t testing.TB, in io.Reader) string {
	t.Helper()
	out, err := io.ReadAll(NewUsageFilter(in))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestUsageFilter: only the event of usage goes, however the bytes are cut and
// the lines end.
func TestUsageFilter(t *testing.T) {
	long := "data: {\"choices\":[],\"x\":\"" + strings.Repeat("x", maxUsageEvent) + "\",\"usage\":{}}\n\n"
	for name, c := range map[string]struct{ in, want string }{
		"nothing":          {"", ""},
		"usage":            {firstEvent + pieceEvent + usageEvent + doneEvent, firstEvent + pieceEvent + doneEvent},
		"none":             {pieceEvent + doneEvent, pieceEvent + doneEvent},
		"with choices":     {bothEvent + doneEvent, bothEvent + doneEvent},
		"comments":         {": hello\n\n" + usageEvent + ": bye\n", ": hello\n\n: bye\n"},
		"blank lines":      {"\n\n" + usageEvent + "\n" + doneEvent, "\n\n" + "\n" + doneEvent},
		"cut before blank": {pieceEvent + strings.TrimSuffix(usageEvent, "\n"), pieceEvent + strings.TrimSuffix(usageEvent, "\n")},
		"long":             {long + usageEvent + doneEvent, long + doneEvent},
		"over lines":       {"event: x\ndata: {\"choices\":[ ],\ndata: \"usage\":{}}\n\n" + doneEvent, doneEvent},
		"no space":         {"data:{\"usage\":{},\"choices\":[]}\n\n" + doneEvent, doneEvent},
		"broken":           {"data: {\"choices\":[],\"usage\":{\n\n" + doneEvent, "data: {\"choices\":[],\"usage\":{\n\n" + doneEvent},
	} {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			in, want := strings.ReplaceAll(c.in, "\n", end), strings.ReplaceAll(c.want, "\n", end)
			for how, r := range map[string]io.Reader{
				"whole": strings.NewReader(in), "bytes": iotest.OneByteReader(strings.NewReader(in)),
				"halves": iotest.HalfReader(strings.NewReader(in)), "with end": iotest.DataErrReader(strings.NewReader(in)),
			} {
				if got := filtered(t, r); got != want {
					t.Errorf("%s, %q, %s: %q, want %q", name, end, how, got, want)
				}
			}
		}
	}
}

// TestUsageFilterPasses: an event is there as soon as its blank line has come,
// and an error after the bytes before it.
func TestUsageFilterPasses(t *testing.T) {
	in, out := io.Pipe()
	f := NewUsageFilter(in)
	read := func() string {
		p := make([]byte, 4096)
		n, err := f.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(p[:n])
	}
	go func() {
		for _, s := range []string{pieceEvent, usageEvent, doneEvent[:5]} {
			_, _ = io.WriteString(out, s)
		}
		out.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if got := read(); got != pieceEvent {
		t.Errorf("%q", got)
	}
	rest, err := io.ReadAll(f)
	if string(rest) != doneEvent[:5] || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", rest, err)
	}
}

func FuzzUsageFilter(f *testing.F) {
	f.Add([]byte(pieceEvent+usageEvent+doneEvent), 7)
	f.Add([]byte(strings.ReplaceAll(firstEvent+usageEvent, "\n", "\r\n")), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		whole := filtered(t, bytes.NewReader(in))
		f := NewUsageFilter(bytes.NewReader(in))
		var cut bytes.Buffer
		if _, err := io.CopyBuffer(&cut, struct{ io.Reader }{f}, make([]byte, 1+size&0xff)); err != nil {
			t.Fatal(err)
		}
		if cut.String() != whole {
			t.Errorf("%q in pieces of %d: %q, whole %q", in, 1+size&0xff, cut.String(), whole)
		}
		if !bytes.Contains(in, []byte("usage")) && whole != string(in) {
			t.Errorf("%q became %q", in, whole)
		}
	})
}

// BenchmarkStreamChunk: what one event of a stream costs that is counted, and one
// that is counted and filtered.
func BenchmarkStreamChunk(b *testing.B) {
	event := []byte(pieceEvent)
	b.Run("count", func(b *testing.B) {
		b.ReportAllocs()
		var m StreamMeter
		for b.Loop() {
			_, _ = m.Write(event)
		}
	})
	b.Run("count+filter", func(b *testing.B) {
		b.ReportAllocs()
		var m StreamMeter
		f := NewUsageFilter(endless(event))
		p := make([]byte, 32<<10)
		for b.Loop() {
			n, _ := f.Read(p)
			_, _ = m.Write(p[:n])
		}
	})
}

// endless gives the same event again and again.
type endless []byte

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }

// FuzzAskUsage: a body that the scanner accepts asks for its usage after the edit,
// and says nothing else that it did not say before.
func FuzzAskUsage(f *testing.F) {
	f.Add([]byte(`{"stream":true,"model":"m"}`))
	f.Add([]byte(`{"stream_options":{"\u0069nclude_usage":false,"x":[1]},"n":2}`))
	f.Add([]byte(`{"stream_options":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before, err := ScanRequest(body)
		if err != nil {
			return
		}
		edit, ok := AskUsage(body)
		if ok == before.IncludeUsage {
			t.Fatalf("%s: an edit: %v, asks already: %v", body, ok, before.IncludeUsage)
		}
		if !ok {
			return
		}
		edited := string(body[:edit.At]) + edit.Insert + string(body[edit.End:])
		after, err := ScanRequest([]byte(edited))
		var scan *ScanError
		if errors.As(err, &scan) && (scan.Reason == ReasonTooMany || scan.Reason == ReasonTooDeep) {
			return
		}
		if err != nil {
			t.Fatalf("%s became %s: %v", body, edited, err)
		}
		want := *before
		want.IncludeUsage = true
		if *after != want {
			t.Errorf("%s became %s: %+v, want %+v", body, edited, *after, want)
		}
	})
}
