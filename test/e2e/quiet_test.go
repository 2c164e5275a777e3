package e2e

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestQuiet: what a backend sends beside its answer stands nowhere that the
// program writes. It may be the end of a completion whose length was wrong.
func TestQuiet(t *testing.T) {
	const canary = "CANARY-completion"
	said := make(chan bool, 1)
	s := serveChanged(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		time.Sleep(200 * time.Millisecond) // until the connection is idle
		io.WriteString(conn, canary)
		time.Sleep(200 * time.Millisecond)
		said <- true
	}), func(dir, config string) string {
		write(t, filepath.Join(dir, "keys", "team-a"), guess)
		return strings.Replace(config, "      managedIdentity: {}", "      none: true", 1) + `
subscriptions:
- {name: team-a, scope: /apis/azure-openai, primaryKey: {file: keys/team-a}}
`
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, DialContext: (&redirected{s.addr}).dial}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://localhost/openai/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("api-key", guess)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || string(body) != "{}" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	<-said
	if out := s.stop(t); strings.Contains(out, canary) {
		t.Errorf("the program wrote what the backend said:\n%s", out)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
