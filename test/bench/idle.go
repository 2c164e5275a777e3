package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// idleFor is how long streams stand still while CPU time is read.
const idleFor = 10 * time.Second

// runIdle measures what many open streams cost that move nothing: memory that
// the process grows by, and CPU time. Clients speak HTTP/2, a hundred streams
// on a connection, as SDKs with one client per process do.
func (l *lab) runIdle(ctx context.Context) (string, error) {
	gateway, err := l.startIdle(ctx)
	if err != nil {
		return "", err
	}
	defer gateway.stop()
	before, err := gateway.memory()
	if err != nil {
		return "", err
	}
	client, closeAll := l.h2Client(gateway.port)
	defer closeAll()
	bodies, err := l.openStreams(ctx, client, l.opt.manyStreams)
	defer func() {
		for _, b := range bodies {
			b.Close()
		}
	}()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, gateway.log)
	}
	time.Sleep(2 * time.Second)
	after, err := gateway.memory()
	if err != nil {
		return "", err
	}
	began, err := gateway.cpu()
	if err != nil {
		return "", err
	}
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ended, err := gateway.cpu()
	if err != nil {
		return "", err
	}
	n := float64(len(bodies))
	each, percent := float64(after-before)/1024/n, 100*(ended-began).Seconds()/idleFor.Seconds()
	fmt.Printf("idle  %.0f streams, %.0f MiB more than without, %.1f KiB each, %.2f %% of one core\n", n, float64(after-before)/(1<<20), each, percent)
	return fmt.Sprintf("idle streams %.0f kib-each %.1f cpu-percent %.2f", n, each, percent), nil
}

// startIdle is a gateway that takes many streams from one address.
func (l *lab) startIdle(ctx context.Context) (*proxy, error) {
	site := l.file("site-idle")
	var failed error
	p, err := l.start(ctx, "gateway", true, func(port int) (string, []string) {
		health, e := freePort()
		failed = errors.Join(e, writeSite(site, l.dir, port, health, l.upstream.port),
			l.allowStreams(filepath.Join(site, "cloister.yaml")))
		return l.opt.gateway, []string{"serve", site}
	})
	return p, errors.Join(failed, err)
}

// allowStreams lifts the bounds that a site has for one client and one backend.
func (l *lab) allowStreams(config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	most := fmt.Sprint(2 * l.opt.manyStreams)
	out := strings.Replace(string(text), "maxConnections: 4096", "maxConnections: "+most, 1) +
		"limits: {maxRequestsPerClient: " + most + "}\n"
	return os.WriteFile(config, []byte(out), 0o600)
}

func (l *lab) h2Client(port int) (*http.Client, func()) {
	config := l.tls.Clone()
	config.NextProtos = nil
	t := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true,
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			with := config.Clone()
			with.NextProtos = []string{"h2"}
			return (&tls.Dialer{Config: with}).DialContext(ctx, network, loopback(port))
		},
	}
	return &http.Client{Transport: t}, t.CloseIdleConnections
}

// opening is how many streams are opened at once.
const opening = 50

func (l *lab) openStreams(ctx context.Context, client *http.Client, n int) ([]io.Closer, error) {
	var mu sync.Mutex
	var bodies []io.Closer
	var errs []error
	slots := make(chan struct{}, opening)
	var wg sync.WaitGroup
	for range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			body, err := openStream(ctx, client)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			bodies = append(bodies, body)
		})
		mu.Lock()
		failed := len(errs) > 0
		mu.Unlock()
		if failed {
			break
		}
	}
	wg.Wait()
	return bodies, errors.Join(errs...)
}

// openStream opens one and reads its first event.
func openStream(ctx context.Context, client *http.Client) (io.Closer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://localhost"+requestPath, strings.NewReader(idleRequest))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", subscriptionKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	first := make([]byte, 1)
	if _, err := resp.Body.Read(first); err != nil || resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("a stream was answered %d: %v", resp.StatusCode, err)
	}
	return resp.Body, nil
}
