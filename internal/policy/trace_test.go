package policy

import (
	"strings"
	"testing"
	"time"
)

// TestRecorderIsBounded: a trace has room for so many entries and bytes, and says
// how many had none.
func TestRecorderIsBounded(t *testing.T) {
	x := newExchange(nil)
	r := NewRecorder(x, time.Now)
	at := Place{Policy: "set-header", Section: "inbound", Path: "set-header[1]"}
	for range maxTraceEntries + 5 {
		r.Begin(at)
		r.Say(at, "value", "x")
		r.End(at, nil)
	}
	trace := r.Finish(200)
	if n := len(trace.Entries["inbound"]); n != maxTraceEntries || trace.Dropped != 5 {
		t.Errorf("%d entries, %d dropped", n, trace.Dropped)
	}
	r = NewRecorder(x, time.Now)
	r.Begin(at)
	for range 100 {
		r.Say(at, "value", strings.Repeat("x", 4<<10))
	}
	r.End(at, &Error{Source: "set-header", Reason: "R", Message: "m"})
	if r.Size() > maxTraceBytes+2048 || r.Finish(500).Dropped == 0 {
		t.Errorf("%d bytes", r.Size())
	}
	// What nobody began is nothing.
	r.Say(Place{Policy: "other"}, "a", "b")
	r.End(Place{Policy: "other"}, nil)
}

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "00:00:00.0000000", -1: "00:00:00.0000000", 1234567 * time.Nanosecond: "00:00:00.0012345",
		25*time.Hour + 2*time.Minute + 3*time.Second: "25:02:03.0000000",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
