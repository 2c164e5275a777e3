package telemetry

import (
	"io"
	"net/http"
)

// HealthHandler answers /livez, /readyz and /metrics, and 404 to everything
// else. Live means that the process answers at all; ready is asked on every
// probe and says why not for the log of whoever passes it, never for the
// caller: the answer is "ok" or "not ready", nothing else. Metrics may be nil;
// then /metrics is not found.
func HealthHandler(ready func() error, m *Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			answer(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
		answer(w, http.StatusOK, "ok\n")
	})
	if m != nil {
		mux.Handle("GET /metrics", m.Handler())
	}
	return mux
}

func answer(w http.ResponseWriter, status int, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The prober went away: nobody is left to tell.
	_, _ = io.WriteString(w, body)
}
