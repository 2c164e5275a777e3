package app

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestGauges: the gauges that the process adds are at /metrics, with the text
// that the documentation has.
func TestGauges(t *testing.T) {
	g := newSite(t, http.HandlerFunc(echo), nil).start(t)
	resp, err := http.Get("http://" + g.Health().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "How the process itself is")
	if !ok {
		t.Fatal("docs/telemetry.md has no such table")
	}
	found := 0
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`") {
			if found > 0 {
				break
			}
			continue
		}
		found++
		name, help := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[4])
		if !strings.Contains(string(text), "# HELP "+name+" "+help+"\n") {
			t.Errorf("/metrics has no %q with %q", name, help)
		}
	}
	if found < 9 {
		t.Errorf("%d gauges are documented", found)
	}
}
