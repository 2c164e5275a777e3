package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// TestTracesAreBounded: as many, as large and as old as they may be.
func TestTracesAreBounded(t *testing.T) {
	var k Traces
	now := time.Now()
	for i := range 3 * maxTraces {
		k.add(&policy.Trace{ID: fmt.Sprint(i)}, 1<<10, now)
	}
	if n := len(k.List(now)); n != maxTraces || k.Get(fmt.Sprint(3*maxTraces-1), now) == nil || k.Get("0", now) != nil {
		t.Errorf("%d traces", n)
	}
	for i := range 20 {
		k.add(&policy.Trace{ID: fmt.Sprint("large", i)}, 1<<20, now)
	}
	if n := len(k.List(now)); n > 8 || k.bytes > maxTraceBytes {
		t.Errorf("%d traces, %d bytes", n, k.bytes)
	}
	if k.List(now.Add(keptTrace + time.Second)); len(k.list) != 0 || k.bytes != 0 {
		t.Errorf("%d traces, %d bytes are left", len(k.list), k.bytes)
	}
}
