package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// policyWith is a global policy document that marks answers.
func policyWith(version int) string {
	return fmt.Sprintf(`<policies>
  <inbound />
  <backend><forward-request /></backend>
  <outbound><set-header name="X-Version" exists-action="override"><value>%d</value></set-header></outbound>
  <on-error />
</policies>`, version)
}

// TestReloadUnderLoad: twenty reloads under 200 requests a second and 20 open
// streams lose no request and no event, and each is in force when it returns.
func TestReloadUnderLoad(t *testing.T) {
	const streams, reloads, perSecond = 20, 20, 200
	stop := make(chan struct{})
	backend := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openai/stream" {
			io.WriteString(w, "ok")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-stop:
				fmt.Fprintf(w, "data: end %d\n\n", i+1)
				return
			case <-r.Context().Done():
				return
			}
		}
	}
	s := newSite(t, http.HandlerFunc(backend), map[string]string{"apim/policy.xml": policyWith(0)})
	g := s.start(t)
	h2 := s.clientFor(t, g.Process, true)

	var wg sync.WaitGroup
	for i := range streams {
		client := g.client
		if i%2 == 1 {
			client = h2
		}
		wg.Go(func() {
			if err := readStream(t.Context(), client, g.url); err != nil {
				t.Errorf("stream %d: %v", i, err)
			}
		})
	}
	var sent, lost atomic.Int64
	load, endLoad := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		tick := time.NewTicker(time.Second / perSecond)
		defer tick.Stop()
		var requests sync.WaitGroup
		for i := 0; load.Err() == nil; i++ {
			<-tick.C
			client := g.client
			if i%2 == 1 {
				client = h2
			}
			requests.Go(func() {
				sent.Add(1)
				if _, err := version(t.Context(), client, g.url); err != nil {
					lost.Add(1)
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		requests.Wait()
	}()
	for i := 1; i <= reloads; i++ {
		s.write(t, "apim/policy.xml", policyWith(i))
		r, err := g.Reload(t.Context())
		if err != nil || !r.Accepted() {
			t.Fatalf("reload %d: %v %v", i, err, r.Problems.Err())
		}
		if got, err := version(t.Context(), g.client, g.url); err != nil || got != i {
			t.Errorf("after reload %d version %d is in force (%v)", i, got, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	endLoad()
	<-loaded
	close(stop)
	wg.Wait()
	t.Logf("%d reloads, %d requests, %d lost, %d streams", reloads, sent.Load(), lost.Load(), streams)
	if sent.Load() < reloads*perSecond/10/2 {
		t.Errorf("only %d requests were sent: no load", sent.Load())
	}
}

// version asks which version of the site answers.
func version(ctx context.Context, client *http.Client, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/openai/version", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || string(body) != "ok" {
		return 0, fmt.Errorf("%s %q: %w", resp.Status, body, err)
	}
	return strconv.Atoi(resp.Header.Get("X-Version"))
}

// readStream reads numbered events until the backend ends them, and wants each.
func readStream(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/openai/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	next := 0
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		switch {
		case !ok:
		case data == strconv.Itoa(next):
			next++
		case data == fmt.Sprintf("end %d", next):
			return nil
		default:
			return fmt.Errorf("event %d was %q", next, data)
		}
	}
	return errors.New("the stream ended before its end")
}

// TestReloadRefused: a bad site is reported and the one before stays.
func TestReloadRefused(t *testing.T) {
	s := newSite(t, http.HandlerFunc(echo), map[string]string{"apim/policy.xml": policyWith(1)})
	g := s.start(t)
	for name, change := range map[string]struct{ file, content, code string }{
		"unknown field":  {"cloister.yaml", s.config("colour: blue\n"), "unknown-field"},
		"listener":       {"cloister.yaml", strings.Replace(s.config(""), "address: 127.0.0.1, port: 0", "address: 127.0.0.2, port: 0", 1), "needs-restart"},
		"policy":         {"apim/policy.xml", "<policies><inbound><no-such-policy/></inbound></policies>", ""},
		"half a policy":  {"apim/policy.xml", "<policies><inbound>", ""},
		"missing secret": {"cloister.yaml", strings.Replace(s.config(""), "keys/team", "keys/none", 1), "secret-unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			good := s.config("")
			if change.file != "cloister.yaml" {
				good = policyWith(1)
			}
			defer s.write(t, change.file, good)
			s.write(t, change.file, change.content)
			r, err := g.Reload(t.Context())
			if err != nil || r.Accepted() || r.Before != r.After {
				t.Fatalf("reload: %v %+v", err, r)
			}
			found := change.code == ""
			for _, p := range r.Problems {
				found = found || p.Code == change.code
				if p.Code == "needs-restart" && !strings.HasPrefix(p.Excerpt, "listeners:") {
					t.Errorf("it points at %s: %q", p.Pos, p.Excerpt)
				}
			}
			if !found {
				t.Errorf("problems: %v", r.Problems)
			}
			if resp, _ := g.do(t, "GET", "/openai/x", "", nil); resp.StatusCode != 200 || resp.Header.Get("X-Version") != "1" {
				t.Errorf("the site before is not in force: %s %v", resp.Status, resp.Header)
			}
		})
	}
}

// TestDrain: after SIGTERM a stream goes on until drainTimeout, then ends with
// an error event; readiness is off at once.
func TestDrain(t *testing.T) {
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}), nil)
	s.write(t, "cloister.yaml", s.config("drainTimeout: 1s\n"))
	g := s.start(t)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", g.url+"/openai/stream", nil)
	req.Header.Set("Ocp-Apim-Subscription-Key", teamKey)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- g.Shutdown(context.Background()) }()
	var last string
	sc := bufio.NewScanner(resp.Body)
	for sc.Scan() {
		if data, ok := strings.CutPrefix(sc.Text(), "data: "); ok {
			last = data
		}
	}
	if sc.Err() != nil {
		t.Errorf("the stream ended with %v", sc.Err())
	}
	if !strings.Contains(last, "gateway_stopping") {
		t.Errorf("last event: %s", last)
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("the stream was cut after %v, before drainTimeout", took)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := g.notReady(); err == nil {
		t.Error("still ready")
	}
	wantRecord(t, g, func(r map[string]any) bool { return r["cut"] == "drain" })
}
