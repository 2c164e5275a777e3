package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAccessLogRotated: after a reload, records go to the file of that name,
// not to the one that was moved away; none is lost.
func TestAccessLogRotated(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), nil)
	s.write(t, "cloister.yaml", s.config("telemetry: {accessLog: access.log}\n"))
	g := s.start(t)
	path := filepath.Join(s.dir, "access.log")
	ask := func(name string) { g.do(t, "GET", "/openai/"+name, "", nil) }
	ask("before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	ask("between")
	if r, err := g.Reload(t.Context()); err != nil || !r.Accepted() {
		t.Fatal(err, r.Problems.Err())
	}
	ask("after")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		now, _ := os.ReadFile(path)
		moved, _ := os.ReadFile(path + ".1")
		all := string(moved) + string(now)
		if strings.Contains(all, "/openai/before") && strings.Contains(all, "/openai/between") &&
			strings.Contains(string(now), "/openai/after") && !strings.Contains(string(moved), "/openai/after") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("moved:\n%s\nnow:\n%s", moved, now)
		}
	}
}
