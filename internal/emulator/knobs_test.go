package emulator

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// await polls until a condition holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within 5 s", what)
}

func TestKnobErrors(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for _, c := range []struct {
		name, value string
		status      int
		code        string
	}{
		{"status", "500", 500, "InternalServerError"},
		{"status", "503", 503, "503"},
		{"status", "429", 429, "429"},
		{"error", "invalid-key", 401, "401"},
		{"error", "local-auth-disabled", 403, "AuthenticationTypeDisabled"},
		{"error", "public-access-disabled", 403, "403"},
		{"error", "network-rules", 403, "AccessDenied"},
		{"error", "permission-denied", 401, "PermissionDenied"},
		{"error", "deployment-not-found", 404, "DeploymentNotFound"},
		{"error", "resource-not-found", 404, "404"},
		{"error", "rate-limit", 429, "429"},
		{"error", "server-error", 500, "InternalServerError"},
		{"error", "surprise", 400, "BadKnob"},
		{"status", "200", 400, "BadKnob"},
		{"status", "x", 400, "BadKnob"},
		{"ttft-ms", "-1", 400, "BadKnob"},
		{"tokens-per-second", "NaN", 400, "BadKnob"},
		{"tokens-per-second", "1e99", 400, "BadKnob"},
		{"length-tokens", "100001", 400, "BadKnob"},
		{"nothing", "1", 400, "BadKnob"},
	} {
		resp, body := exchange(t, srv, "POST", chatPath, hello, "x-cloister-emulator-"+c.name, c.value)
		got := parse[struct {
			Error struct{ Code, Message string }
		}](t, body)
		if resp.StatusCode != c.status || got.Error.Code != c.code || got.Error.Message == "" {
			t.Errorf("%s=%s: %d %s", c.name, c.value, resp.StatusCode, body)
		}
	}
}

func TestKnobRetryAfter(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Knobs: Knobs{Status: 429, RetryAfter: 1500 * time.Millisecond}})
	resp, body := exchange(t, srv, "POST", chatPath, hello)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" || resp.Header.Get("retry-after-ms") != "1500" || !strings.Contains(body, "retry after 2 seconds") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if resp, _ := exchange(t, srv, "POST", chatPath, hello, "x-cloister-emulator-status", "503"); resp.StatusCode != 503 {
		t.Errorf("the header does not win: %d", resp.StatusCode)
	}
}

func TestKnobUntilRetry(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Knobs: Knobs{Status: 500, UntilRetry: 2}})
	for count, want := range map[string]int{"": 500, "0": 500, "1": 500, "2": 200, "3": 200} {
		if resp, _ := exchange(t, srv, "POST", chatPath, hello, "X-Stainless-Retry-Count", count); resp.StatusCode != want {
			t.Errorf("retry %q: %d, want %d", count, resp.StatusCode, want)
		}
	}
}

func TestKnobTiming(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	start := time.Now()
	_, body := exchange(t, srv, "POST", chatPath, helloLive,
		"x-cloister-emulator-ttft-ms", "50", "x-cloister-emulator-tokens-per-second", "200", "x-cloister-emulator-length-tokens", "20")
	took := time.Since(start)
	if took < 150*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if n := strings.Count(body, "data: "); n != 20+5 {
		t.Errorf("%d events", n)
	}
	start = time.Now()
	if exchange(t, srv, "POST", chatPath, hello, "x-cloister-emulator-ttft-ms", "50"); time.Since(start) < 50*time.Millisecond {
		t.Error("a plain answer did not wait")
	}
}

func TestKnobCut(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{})
	for _, reset := range []string{"0", "1"} {
		resp, err := send(t, srv, "POST", chatPath, helloLive, "x-cloister-emulator-cut-after-events", "5", "x-cloister-emulator-reset", reset)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		// A reset may overtake what was sent before.
		n := strings.Count(string(body), "data: ")
		if err == nil || strings.Contains(string(body), "[DONE]") || n > 5 || reset == "0" && n != 5 {
			t.Errorf("reset %s: %d events, %v", reset, n, err)
		}
	}
}

func TestKnobReset(t *testing.T) {
	_, srv := serve(t, OpenAIOptions{Knobs: Knobs{Reset: true}})
	_, err := send(t, srv, "POST", chatPath, hello)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("reset: %v", err)
	}
}

func TestKnobResetHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(NewOpenAI(OpenAIOptions{Keys: keys(testKey), Knobs: Knobs{Reset: true}}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	if _, err := send(t, srv, "POST", chatPath, hello); err == nil {
		t.Error("the stream was not reset")
	}
}

// TestCancel: a caller that goes away stops the work, before the first token
// and in the middle of a stream.
func TestCancel(t *testing.T) {
	s, srv := serve(t, OpenAIOptions{})
	for i, knob := range [][2]string{{"x-cloister-emulator-ttft-ms", "600000"}, {"x-cloister-emulator-tokens-per-second", "1"}} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "POST", srv.URL+chatPath, strings.NewReader(helloLive))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Api-Key", testKey)
		req.Header.Set(knob[0], knob[1])
		done := make(chan error, 1)
		go func() {
			resp, err := srv.Client().Do(req)
			if err == nil {
				_, err = bufio.NewReader(resp.Body).ReadString('\n')
				cancel()
				_ = resp.Body.Close()
			}
			done <- err
		}()
		if i == 0 {
			await(t, "the request's arrival", func() bool { return s.Active() == 1 })
			cancel()
		}
		<-done
		cancel()
		await(t, "the request's end", func() bool { return s.Active() == 0 && s.Cancelled() == int64(i+1) })
	}
}
