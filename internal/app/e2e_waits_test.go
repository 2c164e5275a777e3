package app

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
)

// TestRevokedWhileWaiting: a request whose policies wait ends with the right of
// its caller, whatever they wait for.
func TestRevokedWhileWaiting(t *testing.T) {
	var asked atomic.Int32
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.WriteHeader(503) }), nil)
	silent, port := server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Add(1); <-r.Context().Done() }))
	s.write(t, "cloister.yaml", with(s.config(""), [2]string{"destinations", "  call: [{host: 127.0.0.1, port: " + port + ", caFile: tls/backend.pem}]"}))
	s.write(t, "apim/apis/openai/policy.xml", `<policies>
  <inbound><base />
    <choose><when condition="@(context.Request.Headers.ContainsKey("X-Call"))">
      <wait><send-request mode="new" response-variable-name="a" ignore-error="true" timeout="60"><set-url>`+silent.URL+`</set-url></send-request></wait>
    </when></choose>
  </inbound>
  <backend><retry condition="@(context.Response.StatusCode == 503)" count="50" interval="60"><forward-request /></retry></backend>
</policies>`)
	g := s.start(t)
	ctx, door := t.Context(), g.operator()
	for name, header := range map[string]http.Header{"retry": {}, "a call": {"X-Call": {"1"}}} {
		keys, err := door.CreateSubscription(ctx, admin.CreateSubscription{Name: strings.ReplaceAll(name, " ", "-")})
		if err != nil {
			t.Fatal(err)
		}
		before := asked.Load()
		status := make(chan int)
		go func() {
			header.Set("Ocp-Apim-Subscription-Key", keys.PrimaryKey)
			resp, err := g.send(t, g.client, "GET", "/openai/x", nil, header)
			if err != nil {
				t.Error(err)
				close(status)
				return
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
			status <- resp.StatusCode
		}()
		eventually(t, name+" waits", func() bool { return asked.Load() > before })
		time.Sleep(20 * time.Millisecond) // into the wait itself
		if _, err := door.SuspendSubscription(ctx, strings.ReplaceAll(name, " ", "-")); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-status:
			if got != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, got)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s goes on for a caller that has lost its right", name)
		}
	}
}
