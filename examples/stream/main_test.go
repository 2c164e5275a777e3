package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve runs a gateway that is played by handler, and returns the environment
// that leads to it.
func serve(t *testing.T, handler http.HandlerFunc) map[string]string {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"CLOISTER_URL": server.URL, "CLOISTER_CA": ca,
		"CLOISTER_API_KEY": "a-key", "CLOISTER_DEPLOYMENT": "gpt-4o",
	}
}

func get(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// TestStreams: each token is printed before the next one is made.
func TestStreams(t *testing.T) {
	printed := make(chan string)
	env := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if want := "/openai/deployments/gpt-4o/chat/completions"; r.URL.Path != want || r.Header.Get("Api-Key") != "a-key" {
			t.Errorf("%s, header %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n")
		for _, token := range []string{"one", " two", " three"} {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", token)
			w.(http.Flusher).Flush()
			select {
			case got := <-printed:
				if got != token {
					t.Errorf("printed %q, want %q", got, token)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("%q was not printed before the next token", token)
				return
			}
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
	out := tokens(printed)
	if err := run(t.Context(), nil, get(env), out); err != nil {
		t.Fatal(err)
	}
}

// tokens passes on what is printed; the last newline has no reader.
type tokens chan string

func (c tokens) Write(p []byte) (int, error) {
	if string(p) != "\n" {
		c <- string(p)
	}
	return len(p), nil
}

func TestRefused(t *testing.T) {
	env := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{ "statusCode": 401, "message": "Access denied" }`)
	})
	err := run(t.Context(), []string{"hello"}, get(env), new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || !strings.Contains(err.Error(), "Access denied") {
		t.Errorf("error: %v", err)
	}
}

func TestMissing(t *testing.T) {
	f := func(env map[string]string, want ...string) {
		t.Helper()
		err := run(t.Context(), nil, get(env), new(strings.Builder))
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("error: %v, want %q", err, w)
			}
		}
	}
	f(nil, "CLOISTER_URL, CLOISTER_CA, CLOISTER_API_KEY, CLOISTER_DEPLOYMENT not set", "cloister up")
	empty := filepath.Join(t.TempDir(), "ca.pem")
	env := map[string]string{"CLOISTER_URL": "https://localhost", "CLOISTER_CA": empty, "CLOISTER_API_KEY": "k", "CLOISTER_DEPLOYMENT": "d"}
	f(env, "reading CLOISTER_CA")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f(env, "no PEM certificate")
}
