package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sinkFunc is a sink made of a function.
type sinkFunc func([]byte) (int, error)

func (f sinkFunc) Write(p []byte) (int, error) { return f(p) }

// lockedBuffer is a sink that tests read while it is written to.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSuffix(b.buf.String(), "\n"), "\n")
}

func closeRecorder(t *testing.T, r *Recorder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestRecorderWritesWithin100ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink lockedBuffer
		r := NewRecorder(&sink, RecorderOptions{Site: "s"})
		r.Write(full())
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if n := len(sink.lines()); n != 1 || sink.lines()[0] == "" {
			t.Errorf("after 100 ms the sink holds %d lines", n)
		}
		closeRecorder(t, r)
	})
}

func TestRecorderLosesNothing(t *testing.T) {
	const writers, each = 8, 500
	var sink lockedBuffer
	r := NewRecorder(&sink, RecorderOptions{MaxWaiting: 8 << 10, Metrics: NewMetrics(Build{})})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				r.Write(&Record{Time: time.Unix(1, 0), RequestID: fmt.Sprint(w, "-", i)})
			}
		})
	}
	wg.Wait()
	closeRecorder(t, r)
	seen := map[string]bool{}
	for _, line := range sink.lines() {
		var v struct {
			ID string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("a torn line: %v: %s", err, line)
		}
		if seen[v.ID] {
			t.Errorf("record %s twice", v.ID)
		}
		seen[v.ID] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d records of %d", len(seen), writers*each)
	}
}

// A sink that fails in the middle of a line is tried again, and every record
// is readable in the end.
func TestRecorderSurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got lockedBuffer
		failures := 3
		sink := sinkFunc(func(p []byte) (int, error) {
			if failures > 0 && len(p) > 1 {
				failures--
				n, _ := got.Write(p[:len(p)*2/3])
				return n, errors.New("no space left on device")
			}
			return got.Write(p)
		})
		r := NewRecorder(sink, RecorderOptions{})
		for i := range 5 {
			r.Write(&Record{Time: time.Unix(1, 0), RequestID: fmt.Sprint(i)})
		}
		time.Sleep(200 * time.Millisecond)
		if r.Err() == nil {
			t.Error("Err is nil while the sink fails")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if err := r.Err(); err != nil {
			t.Errorf("Err after the outage: %v", err)
		}
		closeRecorder(t, r)
		seen := map[string]bool{}
		for _, line := range got.lines() {
			var v struct {
				ID string `json:"request_id"`
			}
			if json.Unmarshal([]byte(line), &v) == nil {
				seen[v.ID] = true
			}
		}
		if len(seen) != 5 {
			t.Errorf("readable records: %v", seen)
		}
	})
}

// A full recorder blocks its writers instead of dropping records, and lets
// them go on when the sink is back.
func TestRecorderPushesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got lockedBuffer
		gate := make(chan struct{})
		sink := sinkFunc(func(p []byte) (int, error) {
			<-gate
			return got.Write(p)
		})
		r := NewRecorder(sink, RecorderOptions{MaxWaiting: 2 << 10})
		const n = 200
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range n {
				r.Write(full())
			}
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case <-written:
			t.Fatal("200 records went into 2 KiB")
		default:
		}
		close(gate)
		<-written
		closeRecorder(t, r)
		if lines := len(got.lines()); lines != n {
			t.Errorf("%d lines of %d", lines, n)
		}
	})
}

func TestCloseGivesUpOnADeadSink(t *testing.T) {
	f := func(name string, sink io.Writer) {
		t.Run(name, func(t *testing.T) {
			r := NewRecorder(sink, RecorderOptions{RetryAfter: 10 * time.Millisecond})
			r.Write(full())
			r.RefusedBeforeRoute(netip.MustParseAddr("10.0.0.1"), "tls")
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := r.Close(ctx); !errors.Is(err, errSink) {
				t.Errorf("Close: %v", err)
			}
		})
	}
	f("failing", sinkFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe }))
	blocked := make(chan struct{})
	defer close(blocked)
	f("blocking", sinkFunc(func([]byte) (int, error) { <-blocked; return 0, io.ErrClosedPipe }))
}

func TestWriteAfterCloseIsNotLost(t *testing.T) {
	var sink lockedBuffer
	r := NewRecorder(&sink, RecorderOptions{})
	closeRecorder(t, r)
	r.Write(full())
	r.RefusedBeforeRoute(netip.MustParseAddr("10.0.0.1"), "tls")
	if n := len(sink.lines()); n != 2 {
		t.Errorf("%d lines", n)
	}
}

func TestRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var before, after lockedBuffer
		r := NewRecorder(&before, RecorderOptions{})
		r.Write(full())
		time.Sleep(time.Second)
		synctest.Wait()
		if old := r.Redirect(&after); old != &before {
			t.Errorf("Redirect returned %v", old)
		}
		r.Write(full())
		closeRecorder(t, r)
		if len(before.lines()) != 1 || len(after.lines()) != 1 || after.lines()[0] == "" {
			t.Errorf("before %q after %q", before.lines(), after.lines())
		}
	})
}

func TestRefusedBeforeRouteWritesOneLinePerSourceCauseAndSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink lockedBuffer
		m := NewMetrics(Build{})
		r := NewRecorder(&sink, RecorderOptions{Site: "s", Metrics: m})
		a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.2")
		for range 100 {
			r.RefusedBeforeRoute(a, "tls-handshake")
		}
		r.RefusedBeforeRoute(a, "bare-lf")
		r.RefusedBeforeRoute(b, "bare-lf")
		time.Sleep(1500 * time.Millisecond)
		r.RefusedBeforeRoute(a, "tls-handshake")
		time.Sleep(1500 * time.Millisecond)
		closeRecorder(t, r)
		got := map[string]int{}
		for _, line := range sink.lines() {
			var v struct {
				Msg, Level, Source, Cause, Site string
				Count                           int
			}
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			if v.Msg != MsgRefused || v.Level != "WARN" || v.Site != "s" {
				t.Errorf("line %s", line)
			}
			got[fmt.Sprint(v.Source, " ", v.Cause, " ", v.Count)]++
		}
		for _, want := range []string{
			"10.0.0.1 tls-handshake 100", "10.0.0.1 tls-handshake 1",
			"10.0.0.1 bare-lf 1", "10.0.0.2 bare-lf 1",
		} {
			if got[want] != 1 {
				t.Errorf("%q: %d lines", want, got[want])
			}
		}
		if len(got) != 4 {
			t.Errorf("lines: %v", got)
		}
		wantMetric(t, m, `cloister_early_refusals_total{cause="tls-handshake"} 101`)
	})
}

func TestRefusalsOfManySourcesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sink lockedBuffer
		r := NewRecorder(&sink, RecorderOptions{})
		addr := netip.MustParseAddr("2001:db8::")
		for range 3 * maxRefusals {
			addr = addr.Next()
			r.RefusedBeforeRoute(addr, "connection-limit")
		}
		closeRecorder(t, r)
		lines, many := sink.lines(), 0
		for _, line := range lines {
			if strings.Contains(line, `"source":"many"`) {
				many++
				if !strings.Contains(line, fmt.Sprintf(`"count":%d`, 2*maxRefusals)) {
					t.Errorf("line %s", line)
				}
			}
		}
		if len(lines) != maxRefusals+1 || many != 1 {
			t.Errorf("%d lines, %d for many", len(lines), many)
		}
	})
}

func BenchmarkRecorder(b *testing.B) {
	r := NewRecorder(io.Discard, RecorderOptions{Site: "s", Metrics: NewMetrics(Build{})})
	rec := full()
	b.ReportAllocs()
	for b.Loop() {
		r.Write(rec)
	}
	if err := r.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}
