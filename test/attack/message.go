package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// headerBombs sends heads that are too much in each way, over both protocols.
func headerBombs(t *trial) {
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "X-%d: 1\r\n", i)
		}
		return b.String()
	}
	path := chatPath("wait")
	bombs := []struct {
		name, path, fields string
		want               []int
	}{
		{"24 KiB", path, "X-Bomb: " + strings.Repeat("b", 24<<10) + "\r\n", []int{431}},
		{"1 MiB", path, "X-Bomb: " + strings.Repeat("b", 1<<20) + "\r\n", []int{431}},
		{"1,000 fields", path, lines(1000), []int{431}},
		{"10,000 fields", path, lines(10_000), []int{431}},
		{"a URL of 20 KiB", path + "&x=" + strings.Repeat("u", 20<<10), "", []int{414, 431}},
	}
	const times = 10
	var wg sync.WaitGroup
	for _, b := range bombs {
		for i := range times {
			wg.Go(func() {
				head := "POST " + b.path + " HTTP/1.1\r\nHost: localhost\r\nApi-Key: " + badKey + "\r\nContent-Length: 2\r\n" + b.fields + "\r\n{}"
				if got := t.bluntly(i, head); !slices.Contains(b.want, got) && got != cutOffStatus {
					t.broken("%s over HTTP/1.1: %d, want %d", b.name, got, b.want)
				}
			})
		}
	}
	wg.Wait()
	t.headerBombs2(bombs[0].fields, lines(1000))
	t.note("%d heads over HTTP/1.1, 2 over HTTP/2", len(bombs)*times)
}

// headerBombs2 are two of the heads over HTTP/2.
func (t *trial) headerBombs2(heads ...string) {
	client := t.client(0, true)
	defer client.CloseIdleConnections()
	for _, fields := range heads {
		req, err := http.NewRequestWithContext(t.ctx, http.MethodPost, "https://localhost"+chatPath("wait"), strings.NewReader("{}"))
		if err != nil {
			t.broken("%v", err)
			return
		}
		for line := range strings.SplitSeq(strings.TrimSpace(fields), "\r\n") {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Set(name, value)
		}
		req.Header.Set("Api-Key", badKey)
		resp, err := client.Do(req)
		if err != nil {
			continue // the connection was ended, which is as good
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.broken("%d bytes of fields over HTTP/2: %s", len(fields), resp.Status)
		}
	}
}

// cutOffStatus stands for a connection that ended without an answer.
const cutOffStatus = -1

// bluntly sends bytes and returns the status of the answer.
func (t *trial) bluntly(attacker int, request string) int {
	conn, err := t.dial(attacker, "http/1.1")
	if err != nil {
		return cutOffStatus
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(conn, request) // the answer may come before its end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return cutOffStatus
	}
	resp.Body.Close()
	return resp.StatusCode
}

// client is an ordinary client with an attacker's address.
func (t *trial) client(attacker int, h2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2)
	protocols.SetHTTP2(h2)
	nextProto := "http/1.1"
	if h2 {
		nextProto = "h2"
	}
	return &http.Client{Transport: &http.Transport{
		Protocols: protocols, DisableCompression: true,
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return t.dial(attacker, nextProto) },
	}}
}

// send posts a body to a deployment as an attacker.
func (t *trial) send(client *http.Client, deployment string, body io.Reader, fields ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodPost, "https://localhost"+chatPath(deployment), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", badKey)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	return client.Do(req)
}

// statuses posts one body many times, over both protocols, and counts answers.
func (t *trial) statuses(times int, body []byte, fields ...string) map[int]int {
	var mu sync.Mutex
	count := map[int]int{}
	var wg sync.WaitGroup
	for i := range times {
		wg.Go(func() {
			client := t.client(i, i%2 == 0)
			defer client.CloseIdleConnections()
			status := cutOffStatus
			if resp, err := t.send(client, "wait", bytes.NewReader(body), fields...); err == nil {
				resp.Body.Close()
				status = resp.StatusCode
			}
			mu.Lock()
			defer mu.Unlock()
			count[status]++
		})
	}
	wg.Wait()
	return count
}

// gzipIn sends 64 MiB in 64 KiB.
func gzipIn(t *trial) {
	got := t.statuses(50, t.backend.bomb, "Content-Encoding", "gzip")
	t.note("50 of %d KiB: %s", len(t.backend.bomb)>>10, counts(got))
	for status := range got {
		if status != 400 && status != 413 && status != 415 {
			t.broken("answered with %d, want 400, 413 or 415", status)
		}
	}
}

func counts(m map[int]int) string {
	var parts []string
	for status, n := range m {
		word := fmt.Sprintf("%d × %d", n, status)
		if status == cutOffStatus {
			word = fmt.Sprintf("%d cut off", n)
		}
		parts = append(parts, word)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// gzipOut asks a backend that answers 64 MiB in 64 KiB, with a client that
// says nothing of compression and one that takes it.
func gzipOut(t *trial) {
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			client := t.client(i, i%2 == 0)
			defer client.CloseIdleConnections()
			var fields []string
			if i%4 < 2 {
				fields = []string{"Accept-Encoding", "gzip"}
			}
			resp, err := t.send(client, "bomb", strings.NewReader(chatBody), fields...)
			if err != nil {
				t.broken("asking: %v", err)
				return
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if err != nil || resp.StatusCode == 200 && n != int64(len(t.backend.bomb)) {
				t.broken("%s with %d bytes of %d (%v)", resp.Status, n, len(t.backend.bomb), err)
			}
		})
	}
	wg.Wait()
	t.note("50 answers of %d KiB passed as they came", len(t.backend.bomb)>>10)
}

// nesting sends JSON that is deeper than anything that makes sense.
func nesting(t *trial) {
	for _, depth := range []int{100, 10_000, 4 << 20} {
		body := append([]byte(`{"messages":`), bytes.Repeat([]byte("["), depth)...)
		if depth < 4<<20 {
			body = append(append(body, bytes.Repeat([]byte("]"), depth)...), '}')
		}
		got := t.statuses(20, body)
		t.note("depth %d: %s", depth, counts(got))
		for status := range got {
			if status != 400 && status != cutOffStatus {
				t.broken("depth %d was answered with %d, want 400", depth, status)
			}
		}
	}
}
