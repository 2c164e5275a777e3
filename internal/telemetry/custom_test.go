package telemetry

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
)

func TestCustomMetrics(t *testing.T) {
	m := NewMetrics(Build{})
	m.Emit("openai", "Total Tokens", 7, []Dimension{{"API ID", "a"}, {"User ID", ""}})
	m.Emit("openai", "Total Tokens", 5, []Dimension{{"API ID", "a"}, {"User ID", ""}})
	m.Emit("openai", "total-tokens", 1.5, []Dimension{{"api-id", "b"}, {"API ID", "c"}, {"namespace", "d"}, {"__name__", "e"}, {"1", "\xff\"\n"}})
	m.Emit("openai", "Total Tokens", math.NaN(), nil)
	m.Emit("", "ümlaut", -1, nil)
	var none *Metrics
	none.Emit("a", "b", 1, nil)
	page := scrape(t, m)
	for _, line := range []string{
		`cloister_custom_total_tokens_sum{api_id="a",namespace="openai",user_id=""} 12`,
		`cloister_custom_total_tokens_count{api_id="a",namespace="openai",user_id=""} 2`,
		`cloister_custom_total_tokens_sum{_1="\"\n",api_id="b",api_id_2="c",namespace="openai",namespace_2="d",x__name__="e"} 1.5`,
		`cloister_custom__mlaut_sum{namespace=""} -1`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// TestCustomMetricsBounded: documents, and callers whose values stand in them,
// make no more series than the bounds say, and every value is in one.
func TestCustomMetricsBounded(t *testing.T) {
	m := NewMetrics(Build{})
	var wg sync.WaitGroup
	const each = 3 * maxCustomSeries
	for g := range 4 {
		wg.Go(func() {
			for i := range each {
				m.Emit("n", "calls", 1, []Dimension{{"client", fmt.Sprint(g, i)}})
				m.Emit("n", fmt.Sprint("m", g, i%maxCustomMetrics), 1, nil)
			}
		})
	}
	wg.Wait()
	if n := m.custom.series; n > maxCustomTotal+maxCustomMetrics+1 || len(m.custom.metrics) > maxCustomMetrics+1 {
		t.Errorf("%d series of %d metrics", n, len(m.custom.metrics))
	}
	sum := 0.0
	for _, metric := range m.custom.metrics {
		for _, s := range metric.series {
			sum += s.sum
		}
	}
	if sum != 4*2*each {
		t.Errorf("%v values, not %d", sum, 4*2*each)
	}
	if page := scrape(t, m); !strings.Contains(page, `cloister_custom_calls_count{namespace="_OTHER"}`) || !strings.Contains(page, "cloister_custom_other_count") {
		t.Error("nothing is counted under _OTHER")
	}
}
