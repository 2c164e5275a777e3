package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// storm is one way in which the members of a pool refuse.
type storm struct {
	method, deployment string
	// accepts says which answers callers may get.
	accepts func(status int) bool
	// advised: the backend said when to come again.
	advised bool
	// each is how many requests each client sends.
	each int
}

func storms() []storm {
	is := func(want int) func(int) bool { return func(got int) bool { return got == want } }
	fails := func(got int) bool { return got >= 500 }
	return []storm{
		{http.MethodPost, "busy", is(http.StatusTooManyRequests), true, 30},
		{http.MethodPost, "down", is(http.StatusServiceUnavailable), true, 30},
		{http.MethodPost, "reset", fails, false, 30},
		// What may be sent again is: as a GET on a connection that was kept.
		{http.MethodGet, "flaky", func(got int) bool { return got == http.StatusOK || fails(got) }, false, 90},
	}
}

// retryStorm asks a pool whose members refuse, and counts how often they are
// asked.
func retryStorm(t *trial) {
	const clients = 10
	requests, hits := 0, 0
	for _, s := range storms() {
		var mu sync.Mutex // guards count and advised
		count, advised := map[int]int{}, 0
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				client := t.client(i, true)
				defer client.CloseIdleConnections()
				for range s.each {
					status, again := t.askPool(client, s)
					mu.Lock()
					count[status]++
					if again == retryAfter {
						advised++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		requests += clients * s.each
		hits += t.judgeStorm(s, clients*s.each, count, advised)
	}
	// The budget is a share of all requests and a few to begin with, so it is
	// the sum that is judged; sent again without a budget it would be 1.5.
	t.note("in all %.2f calls a request", float64(hits)/float64(requests))
	if hits > requests*12/10 {
		t.broken("%d calls for %d requests, at most 1.2 for each", hits, requests)
	}
}

func (t *trial) judgeStorm(s storm, requests int, count map[int]int, advised int) (hits int) {
	hits = t.backend.calls(s.deployment)
	t.note("%s: %d calls for %d (%s)", s.deployment, hits, requests, counts(count))
	if hits == 0 || s.method == http.MethodPost && hits > requests {
		t.broken("%s: %d calls for %d requests that may not be sent twice", s.deployment, hits, requests)
	}
	for status := range count {
		if !s.accepts(status) {
			t.broken("%s was answered with %d", s.deployment, status)
		}
	}
	if s.advised && advised != requests {
		t.broken("%s: Retry-After reached %d of %d callers", s.deployment, advised, requests)
	}
	return hits
}

// askPool asks the pool and returns the status and Retry-After.
func (t *trial) askPool(client *http.Client, s storm) (status int, again string) {
	url := "https://localhost/pool/deployments/" + s.deployment + "/chat/completions"
	var body io.Reader
	if s.method == http.MethodPost {
		body = strings.NewReader(chatBody)
	}
	req, err := http.NewRequestWithContext(t.ctx, s.method, url, body)
	if err != nil {
		return cutOffStatus, ""
	}
	req.Header.Set("Api-Key", badKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return cutOffStatus, ""
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return cutOffStatus, ""
	}
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// diesInStream asks a backend that dies after five events: callers get those,
// an event that says so, and a clean end; the record says who cut.
func diesInStream(t *trial) {
	const n = 100
	ids := make(chan string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			id, err := t.brokenStream(i)
			if err != nil {
				t.broken("stream %d: %v", i, err)
			}
			ids <- id
		})
	}
	wg.Wait()
	close(ids)
	time.Sleep(500 * time.Millisecond) // records are written in batches
	cut, err := t.cuts()
	if err != nil {
		t.broken("the records: %v", err)
		return
	}
	for id := range ids {
		if cut[id] != "backend" {
			t.broken("the record of %s says cut %q, want backend", id, cut[id])
		}
	}
	t.note("%d streams: five events, an error event, a clean end, cut in the record", n)
}

// brokenStream reads one stream that the backend does not finish.
func (t *trial) brokenStream(i int) (id string, err error) {
	client := t.client(i, i%2 == 0)
	defer client.CloseIdleConnections()
	resp, err := t.send(client, "dies", strings.NewReader(chatBody))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	id = resp.Header.Get("Cloister-Request-Id")
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return id, fmt.Errorf("no clean end: %w", err)
	case resp.StatusCode != http.StatusOK || bytes.Count(body, []byte(`data: {"n":`)) != 5:
		return id, fmt.Errorf("%s %.300q", resp.Status, body)
	case !bytes.Contains(body, []byte(`"error"`)):
		return id, fmt.Errorf("no error event: %q", body[max(0, len(body)-200):])
	}
	return id, nil
}

// cuts are the answers that were cut, by request.
func (t *trial) cuts() (map[string]string, error) {
	f, err := os.Open(filepath.Join(t.gateway.dir, "access.log"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cuts := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var rec struct {
			ID  string `json:"request_id"`
			Cut string `json:"cut"`
		}
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, err
		}
		if rec.ID != "" {
			cuts[rec.ID] = rec.Cut
		}
	}
	return cuts, lines.Err()
}
