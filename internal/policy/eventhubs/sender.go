// Package eventhubs sends events to Azure Event Hubs by its published REST
// protocol: Send event and Send batch events of version 2014-01, with a shared
// access signature or a token of Entra ID.
//
// It guarantees that whoever sends does not wait: events lie in a bounded queue
// and leave in their order; that memory and work are bounded; that an event
// which cannot be sent is counted and logged, never silently lost; and that
// neither key nor token stands in an error or a log. It does not keep events
// beyond the process, and one that was sent when its connection broke may arrive
// twice.
//
// [Sender.Send] fails with false where the queue is full. Sending fails after
// [attempts] attempts.
package eventhubs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

const (
	// MaxEvent is how large an event may be, in bytes.
	MaxEvent = 200 << 10

	maxWaiting = 1000
	maxBytes   = 16 << 20
	// maxBatch is how many events leave in one request.
	maxBatch = 100
	attempts = 3
	// sendTimeout bounds one request.
	sendTimeout = 30 * time.Second
	apiVersion  = "2014-01"
)

// Results of an event, for [Options].Done.
const (
	Sent    = "sent"
	Failed  = "failed"
	Dropped = "dropped"
)

// Event is one event.
type Event struct {
	// Body is text in UTF-8, [MaxEvent] bytes at most.
	Body []byte
	// PartitionID or PartitionKey says where it goes; both empty: the service
	// decides.
	PartitionID, PartitionKey string
}

// Options are what a [Sender] is made of.
type Options struct {
	// Hub is https://NAMESPACE/EVENTHUB.
	Hub *url.URL
	// Key is the shared access key; its zero value: Token counts.
	Key Key
	// Token gives a token for https://eventhubs.azure.net.
	Token func(ctx context.Context) (secret.Value, error)
	// Transport reaches the namespace. Required.
	Transport http.RoundTripper
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Sleep waits between attempts; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Log gets failures, thinned out. Nil: nothing is logged.
	Log *slog.Logger
	// Done hears what became of each event. It must not block. Nil: nobody does.
	Done func(result string)
}

// Sender sends to one event hub. It is safe for concurrent use.
type Sender struct {
	opt    Options
	queue  chan Event
	bytes  atomic.Int64
	failed atomic.Uint64
	ctx    context.Context
	cancel context.CancelFunc
	worker sync.WaitGroup
	token  signature

	mu     sync.RWMutex // guards closed, and the end of queue
	closed bool
}

// New starts a sender, which ends with Close.
func New(opt Options) *Sender {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Done == nil {
		opt.Done = func(string) {}
	}
	s := &Sender{opt: opt, queue: make(chan Event, maxWaiting)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.worker.Go(s.work)
	return s
}

// Send puts an event into the queue; false: there is no room, or the sender is
// closed.
func (s *Sender) Send(e Event) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	size := int64(len(e.Body))
	if size <= MaxEvent && s.bytes.Add(size) <= maxBytes && !s.closed {
		select {
		case s.queue <- e:
			return true
		default:
		}
	}
	if size <= MaxEvent {
		s.bytes.Add(-size)
	}
	s.opt.Done(Dropped)
	return false
}

// Close sends what waits until ctx ends, and drops the rest.
func (s *Sender) Close(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	s.worker.Wait()
	s.cancel()
}

func (s *Sender) work() {
	var held *Event
	for {
		first, ok := held, true
		held = nil
		if first == nil {
			var e Event
			if e, ok = <-s.queue; !ok {
				return
			}
			first = &e
		}
		var batch []Event
		batch, held = s.collect(*first)
		s.deliver(batch)
	}
}

// collect takes what waits behind an event and may leave with it; held is one
// that may not.
func (s *Sender) collect(first Event) (batch []Event, held *Event) {
	batch, size := []Event{first}, len(first.Body)
	for len(batch) < maxBatch && first.PartitionKey == "" {
		select {
		case e, ok := <-s.queue:
			if !ok {
				return batch, nil
			}
			if size += len(e.Body); size > MaxEvent || e.PartitionID != first.PartitionID || e.PartitionKey != "" {
				return batch, &e
			}
			batch = append(batch, e)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// deliver sends a batch, again where that may help.
func (s *Sender) deliver(batch []Event) {
	err := s.ctx.Err()
	for n := range attempts {
		if n > 0 && err != nil {
			if s.opt.Sleep(s.ctx, time.Second<<(2*(n-1))) != nil {
				break
			}
		}
		var again bool
		if s.ctx.Err() != nil {
			break
		}
		if again, err = s.post(batch); err == nil || !again {
			break
		}
	}
	result := Sent
	switch {
	case s.ctx.Err() != nil && err != nil:
		result = Dropped
	case err != nil:
		result = Failed
	}
	if err != nil {
		// The 1st, 2nd, 4th, 8th, …: a hub that is down fails all.
		if n := s.failed.Add(1); bits.OnesCount64(n) == 1 {
			s.opt.Log.Warn("events were not sent", "host", s.opt.Hub.Host, "hub", s.opt.Hub.Path, "events", len(batch), "error", err, "count", n)
		}
	}
	for _, e := range batch {
		s.bytes.Add(-int64(len(e.Body)))
		s.opt.Done(result)
	}
}

// post sends a batch once. again: another attempt may do better.
func (s *Sender) post(batch []Event) (again bool, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, sendTimeout)
	defer cancel()
	req, err := s.request(ctx, batch)
	if err != nil {
		return true, err
	}
	resp, err := s.opt.Transport.RoundTrip(req)
	if err != nil {
		return true, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode == http.StatusCreated {
		return false, nil
	}
	if resp.StatusCode == http.StatusUnauthorized {
		s.token.forget()
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusUnauthorized
	return again, fmt.Errorf("the event hub answered with %d", resp.StatusCode)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errNoCredential = errors.New("there is no credential")
