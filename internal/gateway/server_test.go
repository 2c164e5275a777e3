package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestThinkingIsNotStalling: after the body a handler may take longer than any
// client may stall, and its context goes on.
func TestThinkingIsNotStalling(t *testing.T) {
	ft := startFront(t, withLimits(site.Limits{StreamIdleTimeout: site.Duration(100 * time.Millisecond)}),
		withHandler(func(w http.ResponseWriter, r *http.Request, _ *Conn, _ *Call) {
			io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
				w.WriteHeader(500)
				io.WriteString(w, context.Cause(r.Context()).Error())
			case <-time.After(500 * time.Millisecond):
				io.WriteString(w, "done")
			}
		}))
	for _, h2 := range []bool{false, true} {
		for _, body := range []string{"", "hello", strings.Repeat("x", 100<<10)} {
			resp, err := ft.client(t, h2).Post("https://gw.test/a", "text/plain", strings.NewReader(body))
			if err != nil {
				t.Errorf("h2 %v, %d bytes: %v", h2, len(body), err)
				continue
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(got) != "done" {
				t.Errorf("h2 %v, %d bytes: %d %q", h2, len(body), resp.StatusCode, got)
			}
		}
	}
}
