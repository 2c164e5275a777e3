package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/testenv"
)

func TestParseStat(t *testing.T) {
	f := func(text string, want stat, ok bool) {
		t.Helper()
		got, err := parseStat(text)
		if (err == nil) != ok || ok && got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	const rest = " S 7 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 5 0 100 1000 10 18446744073709551615"
	f("42 (nginx)"+rest, stat{42, 7, 2 * time.Second}, true)
	f("42 (a) b (c) 9 9)"+rest, stat{42, 7, 2 * time.Second}, true)
	f("42 (nginx) S 7 42", stat{}, false)
	f("42 nginx S 7", stat{}, false)
	f("x (nginx)"+rest, stat{}, false)
}

func TestParseCores(t *testing.T) {
	f := func(list string, want []string, ok bool) {
		t.Helper()
		got, err := parseCores(list)
		if diff := cmp.Diff(want, got); (err == nil) != ok || diff != "" {
			t.Errorf("%q: %s %v", list, diff, err)
		}
	}
	f("0", []string{"0"}, true)
	f("0-2,5", []string{"0", "1", "2", "5"}, true)
	f("a-b", nil, false)
}

func TestStatistics(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("median of three: %v", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("median of four: %v", got)
	}
	times := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if p50, p99 := quantile(times, .5), quantile(times, .99); p50 != 6 || p99 != 10 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	a, b := &figures{cpu: []float64{10, 30, 20}}, &figures{cpu: []float64{10, 10, 10}}
	if got := ratio(a, b); got != 2 {
		t.Errorf("ratio %v, want the median of the rounds", got)
	}
	all := map[string]*figures{"gateway": a, "reverseproxy": b, "nginx": {cpu: []float64{5, 5, 5}}}
	if got := ratios("json", all); got != "json cpu-ratio reverseproxy 2.00 nginx 4.00" {
		t.Error(got)
	}
}

// TestClient holds the load's own reader of answers to net/http's server.
func TestClient(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Api-Key") {
		case subscriptionKey:
		default:
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.Contains(r.Header.Get("Accept"), "event-stream") {
			for range 3 {
				fmt.Fprintf(w, "data: %s\n\n", strings.Repeat("x", 9000))
				w.(http.Flusher).Flush()
			}
			return
		}
		fmt.Fprint(w, strings.Repeat("y", 1000))
	}))
	server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c, err := dial(server.Listener.Addr().(*net.TCPAddr).Port, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	plain := post(`{}`)
	streamed := []byte(strings.Replace(string(plain), "application/json", "text/event-stream", 1))
	refused := []byte(strings.Replace(string(plain), subscriptionKey, "wrong", 1))
	for _, tt := range []struct {
		request []byte
		want    answer
	}{
		{plain, answer{status: 200, bytes: 1000}},
		{streamed, answer{status: 200, bytes: 3 * 9008, events: 3}},
		{refused, answer{status: 401}},
		{plain, answer{status: 200, bytes: 1000}},
	} {
		got, err := c.do(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		if got.firstByte.IsZero() {
			t.Error("no time of the first byte")
		}
		got.firstByte = time.Time{}
		if got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
}

// TestRun runs the whole benchmark, too short to mean anything: every part
// starts, answers what it should, and the last lines are for programs.
func TestRun(t *testing.T) {
	testenv.Need(t, "nginx")
	testenv.Need(t, "taskset")
	gateway := testenv.Binary(t)
	bench := filepath.Join(t.TempDir(), "bench")
	if out, err := exec.Command("go", "build", "-o", bench, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, bench, "-gateway", gateway, "-rounds", "1", "-duration", "200ms",
		"-connections", "4", "-streams", "4", "-idle-streams", "8", "-many-streams", "50", "-events", "5").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, name := range []string{"json", "sse"} {
		pattern := `^` + name + ` cpu-ratio reverseproxy \d+\.\d\d nginx \d+\.\d\d$`
		if line := lines[len(lines)-2+i]; !regexp.MustCompile(pattern).MatchString(line) {
			t.Errorf("line %q does not match %s\n%s", line, pattern, out)
		}
	}
}
