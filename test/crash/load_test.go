//go:build linux

package crash

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
)

const (
	requestEvery = time.Second / 200
	actEvery     = time.Second / 20
	streams      = 3
)

// ledger is what was acknowledged to callers since the last check.
type ledger struct {
	mu sync.Mutex // guards the fields
	// allowed are the request ids of answers with status 200, with the
	// subscription of their key.
	allowed map[string]string
	// counted over the whole test
	requests, ok, refused, broken  int
	acts, acknowledged, unanswered int
}

func (l *ledger) note(change func(*ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// refusals are the requests that were refused so far.
func (l *ledger) refusals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// load is what runs against one life of the gateway.
type load struct {
	t testing.TB
	g *gateway
	m *model
	l *ledger
	// tolerant: refusals with 503 are expected, because something is broken on
	// purpose.
	tolerant bool
	// broken: nothing that is begun now can be made durable, and so nothing may
	// be acknowledged.
	broken atomic.Bool
	stop   context.CancelFunc
	wait   sync.WaitGroup
}

// begin starts the load. It ends with end.
func begin(t testing.TB, g *gateway, m *model, l *ledger, seed uint64, tolerant bool) *load {
	ctx, cancel := context.WithCancel(context.Background())
	w := &load{t: t, g: g, m: m, l: l, tolerant: tolerant, stop: cancel}
	w.wait.Go(func() { w.requests(ctx, seed) })
	w.wait.Go(func() { w.acts(ctx) })
	for i := range streams {
		w.wait.Go(func() { w.streams(ctx, seed+uint64(i)+1) })
	}
	return w
}

// end stops the load and waits for its last answers.
func (w *load) end() {
	w.stop()
	w.wait.Wait()
}

// requests sends one at every tick, whether the ones before were answered or
// not.
func (w *load) requests(ctx context.Context, seed uint64) {
	r := seeded(seed, 1)
	tick := time.NewTicker(requestEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s, key, version := w.m.opening(r)
		if s == nil {
			continue
		}
		w.wait.Go(func() {
			bounded, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			w.request(bounded, i%2, "x", s, key, version, func(body io.Reader) error {
				_, err := io.Copy(io.Discard, body)
				return err
			})
		})
	}
}

// streams keeps one stream open, with one key after the other.
func (w *load) streams(ctx context.Context, seed uint64) {
	r := seeded(seed, 2)
	for i := 0; ctx.Err() == nil; i++ {
		s, key, version := w.m.opening(r)
		if s != nil {
			w.request(ctx, i%2, "stream", s, key, version, func(body io.Reader) error {
				for lines := bufio.NewScanner(body); lines.Scan(); {
				}
				return nil
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// request sends one and notes what became of it.
func (w *load) request(ctx context.Context, which int, path string, s *subscription, key string, version int, read func(io.Reader) error) {
	broken := w.broken.Load()
	resp, err := w.g.ask(ctx, which, path, key)
	w.l.note(func(l *ledger) {
		l.requests++
		switch {
		case err != nil:
			l.broken++
		case resp.StatusCode == http.StatusOK:
			l.ok++
			// The head has come: it is acknowledged.
			l.allowed[resp.Header.Get(requestID)] = s.name
		default:
			l.refused++
		}
	})
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if broken && w.broken.Load() && resp.StatusCode == http.StatusOK {
		w.t.Errorf("a request of %s was answered with 200, and no record of it can be durable", s.name)
	}
	readErr := read(resp.Body)
	if resp.StatusCode == http.StatusOK || w.tolerant && resp.StatusCode == http.StatusServiceUnavailable {
		return
	}
	// A key that was taken away meanwhile may be refused, and no other.
	if w.m.same(s, version) {
		w.t.Errorf("a key of %s that holds: status %d (%v)", s.name, resp.StatusCode, readErr)
	}
}

// acts does one key operation at every tick.
func (w *load) acts(ctx context.Context) {
	tick := time.NewTicker(actEvery)
	defer tick.Stop()
	for {
		if s, a := w.m.next(); s != nil {
			w.wait.Go(func() { w.act(s, a) })
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// act does one key operation and notes what became of it.
func (w *load) act(s *subscription, a act) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	broken := w.broken.Load()
	keys, err := perform(ctx, w.g.door, s.name, a)
	if broken && w.broken.Load() && err == nil {
		w.t.Errorf("%s of %s was acknowledged, and nothing can be durable", a.action, s.name)
	}
	w.l.note(func(l *ledger) {
		l.acts++
		if err == nil {
			l.acknowledged++
		} else {
			l.unanswered++
		}
	})
	if err == nil {
		w.m.acknowledge(s, a, keys)
		return
	}
	w.m.lose(s, a)
	var refused *admin.Error
	if !errors.As(err, &refused) || refused.Status != 0 && !(w.tolerant && refused.Status == http.StatusServiceUnavailable) {
		w.t.Errorf("%s of %s: %v", a.action, s.name, err)
	}
}

// perform does an act at the door.
func perform(ctx context.Context, door *admin.Client, name string, a act) (keys [2]string, err error) {
	var shown admin.Keys
	switch a.action {
	case create:
		shown, err = door.CreateSubscription(ctx, admin.CreateSubscription{Name: name})
	case rotate:
		shown, err = door.RotateKey(ctx, name, a.key())
	case suspend:
		_, err = door.SuspendSubscription(ctx, name)
	case activate:
		_, err = door.ActivateSubscription(ctx, name)
	case remove:
		_, err = door.DeleteSubscription(ctx, name)
	}
	return [2]string{shown.PrimaryKey, shown.SecondaryKey}, err
}
