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

// retryStorm asks a pool whose members refuse, and counts how often it is asked.
func retryStorm(t *trial) {
	const each = 300
	for _, kind := range []struct {
		deployment string
		status     int // 0: one of the 5xx
	}{{"busy", http.StatusTooManyRequests}, {"down", http.StatusServiceUnavailable}, {"reset", 0}} {
		var mu sync.Mutex
		count, advised := map[int]int{}, 0
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				client := t.client(i, true)
				defer client.CloseIdleConnections()
				for range each / 10 {
					resp, err := t.sendPool(client, kind.deployment)
					mu.Lock()
					if err != nil {
						count[cutOffStatus]++
					} else {
						resp.Body.Close()
						count[resp.StatusCode]++
						if resp.Header.Get("Retry-After") == "7" {
							advised++
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		hits := t.backend.calls(kind.deployment)
		t.note("%s: %d calls for %d (%s)", kind.deployment, hits, each, counts(count))
		if hits > each*12/10 || hits == 0 {
			t.broken("%s: %d calls for %d requests, at most 1.2 for each", kind.deployment, hits, each)
		}
		for status := range count {
			if status != kind.status && (kind.status != 0 || status < 500) {
				t.broken("%s was answered with %d", kind.deployment, status)
			}
		}
		if kind.status != 0 && advised != each {
			t.broken("%s: Retry-After reached %d of %d callers", kind.deployment, advised, each)
		}
	}
}

func (t *trial) sendPool(client *http.Client, deployment string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodPost, "https://localhost/pool/deployments/"+deployment+"/chat/completions", strings.NewReader(chatBody))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", badKey)
	req.Header.Set("Content-Type", "application/json")
	return client.Do(req)
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
