package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// goodResult is how the well-behaved client fared.
type goodResult struct {
	Asked, Failed int
	// First is the first failure.
	First string
	P99   time.Duration
}

// good is the well-behaved client. It asks at fixed times, whether or not it
// was answered before: so that waiting shows.
type good struct {
	at     door
	end    chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex // guards the rest
	times []time.Duration
	res   goodResult
}

const (
	// goodEvery is the time between two requests of each of the two lanes.
	goodEvery = 40 * time.Millisecond
	// goodConns is how many connections it keeps to itself over HTTP/1.1: one
	// alone would make requests wait for each other.
	goodConns = 4
	// goodPatience is how long the client waits for an answer.
	goodPatience = 15 * time.Second
)

// newClient is a client with the well-behaved address: four kept connections,
// or one over HTTP/2.
func newClient(at door, h2 bool) *http.Client {
	protocols, conns := new(http.Protocols), goodConns
	protocols.SetHTTP1(!h2)
	protocols.SetHTTP2(h2)
	if h2 {
		conns = 1
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}, Timeout: goodPatience}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, at.address())
		},
		Protocols: protocols, MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns,
		TLSClientConfig: &tls.Config{RootCAs: at.roots}, TLSHandshakeTimeout: goodPatience,
	}}
}

func startGood(at door) *good {
	ctx, cancel := context.WithCancel(context.Background())
	c := &good{at: at, end: make(chan struct{}), cancel: cancel}
	for _, h2 := range []bool{false, true} {
		client := newClient(at, h2)
		c.wg.Go(func() {
			defer client.CloseIdleConnections()
			c.ask(ctx, client)
		})
	}
	c.wg.Go(func() { c.listen(ctx) })
	return c
}

// stop ends the client; what it has asked is answered first.
func (c *good) stop() goodResult {
	close(c.end)
	c.wg.Wait()
	c.cancel()
	slices.Sort(c.times)
	if n := len(c.times); n > 0 {
		c.res.P99 = c.times[n*99/100]
	}
	return c.res
}

// ask asks until the end. It begins with as many requests at once as it keeps
// connections, so that all of them are there before the attack.
func (c *good) ask(ctx context.Context, client *http.Client) {
	var wg sync.WaitGroup
	defer wg.Wait()
	one := func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, goodPatience)
		defer cancel()
		c.asked(chat(ctx, client, c.at, goodKey, "good"), time.Since(began))
	}
	for range goodConns {
		wg.Go(one)
	}
	tick := time.NewTicker(goodEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.end:
			return
		case <-tick.C:
			wg.Go(one)
		}
	}
}

func (c *good) asked(err error, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.res.Asked++
	if took > 0 {
		c.times = append(c.times, took)
	}
	if err == nil {
		return
	}
	c.res.Failed++
	if c.res.First == "" {
		c.res.First = err.Error()
	}
}

// listen reads one stream until the end: every event, and none too late.
func (c *good) listen(ctx context.Context) {
	client := newClient(c.at, true)
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(goodPatience, func() { cancel(errors.New("no event for too long")) })
	defer late.Stop()
	go func() {
		select {
		case <-c.end:
			cancel(errEnd)
		case <-ctx.Done():
		}
	}()
	err := c.events(ctx, client, late)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errEnd):
		err = nil
	case cause != nil:
		err = cause
	}
	if err != nil {
		err = fmt.Errorf("the long stream: %w", err)
	}
	cancel(nil)
	c.asked(err, 0)
}

// errEnd ends the stream when the client has heard enough.
var errEnd = errors.New("heard enough")

func (c *good) events(ctx context.Context, client *http.Client, late *time.Timer) error {
	resp, err := ask(ctx, client, c.at, goodKey, "long")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	for n := 0; lines.Scan(); {
		late.Reset(goodPatience)
		event, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if !strings.HasPrefix(event, fmt.Sprintf(`{"n":%d,`, n)) {
			return fmt.Errorf("event %d is %.60q", n, event)
		}
		n++
	}
	return errors.Join(errors.New("it ended"), lines.Err())
}

// ask asks a deployment as a subscription.
func ask(ctx context.Context, client *http.Client, at door, key, deployment string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://localhost:"+fmt.Sprint(at.port)+chatPath(deployment), strings.NewReader(chatBody))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", key)
	req.Header.Set("Content-Type", "application/json")
	return client.Do(req)
}

func chatPath(deployment string) string {
	return "/openai/deployments/" + deployment + "/chat/completions?api-version=2024-10-21"
}

const chatBody = `{"messages":[{"role":"user","content":"Is the door closed?"}]}`

// chat asks and wants the whole answer.
func chat(ctx context.Context, client *http.Client, at door, key, deployment string) error {
	resp, err := ask(ctx, client, at, key, deployment)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || string(body) != goodAnswer:
		return fmt.Errorf("%s %.200q", resp.Status, body)
	}
	return nil
}
