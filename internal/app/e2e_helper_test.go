package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// api is an API document of a test site: every path and method, below path.
func api(path, more string) string {
	return `{"properties":{"displayName":"` + path + `","path":"` + path + `","protocols":["https"]` + more + `}}`
}

// with puts lines of cloister.yaml where they belong: below the key that each
// names.
func with(config string, lines ...[2]string) string {
	for _, l := range lines {
		config = strings.Replace(config, "\n"+l[0]+":\n", "\n"+l[0]+":\n"+l[1]+"\n", 1)
	}
	return config
}

// server is another TLS server of a test, which trusts what newSite trusts:
// all servers of httptest show one certificate.
func server(t testing.TB, h http.Handler) (s *httptest.Server, port string) {
	t.Helper()
	s = httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s, s.URL[strings.LastIndexByte(s.URL, ':')+1:]
}

// accessRecords are the access records so far.
func (r *running) accessRecords(t testing.TB) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(r.records.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if rec["msg"] == "request" {
			out = append(out, rec)
		}
	}
	return out
}

// awaitRecords waits for n access records, then a moment for one too many.
func (r *running) awaitRecords(t testing.TB, n int) []map[string]any {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for len(r.accessRecords(t)) < n && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(120 * time.Millisecond)
	records := r.accessRecords(t)
	if len(records) != n {
		t.Fatalf("%d access records, want %d:\n%s", len(records), n, r.records)
	}
	return records
}

// field is a member of a record, by its dotted path; nil where there is none.
func field(record map[string]any, path string) any {
	var at any = record
	for name := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[name]
	}
	return at
}

// eventually waits for something that happens behind an answer.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// send is do with a body that is read as it comes, and no answer that fails the
// test.
func (r *running) send(t testing.TB, client *http.Client, method, path string, body io.Reader, header http.Header) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	for name, values := range header {
		req.Header[name] = values
		if values == nil {
			req.Header.Del(name)
		}
	}
	return client.Do(req)
}

// newCollector serves h on loopback without TLS, as collectors beside a gateway
// are reached.
func newCollector(t testing.TB, h http.Handler) (port string, err error) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL[strings.LastIndexByte(s.URL, ':')+1:], nil
}
