package telemetry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealth(t *testing.T) {
	var problem error
	h := HealthHandler(func() error { return problem }, NewMetrics(Build{}))
	f := func(method, path string, status int, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != status || (body != "" && w.Body.String() != body) {
			t.Errorf("%s %s: %d %q, want %d %q", method, path, w.Code, w.Body, status, body)
		}
	}
	f("GET", "/livez", 200, "ok\n")
	f("GET", "/readyz", 200, "ok\n")
	f("HEAD", "/readyz", 200, "")
	f("GET", "/metrics", 200, "")
	problem = errors.New("the store at /var/lib/x is locked by pid 7")
	f("GET", "/livez", 200, "ok\n")
	f("GET", "/readyz", 503, "not ready\n")
	f("POST", "/readyz", 405, "")
	f("GET", "/", 404, "")
	f("GET", "/debug/pprof/", 404, "")

	h = HealthHandler(func() error { return nil }, nil)
	f("GET", "/metrics", http.StatusNotFound, "")
}
