package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// Family keeps keys apart that happen to be equal: each has counters, and room
// for keys, of its own.
type Family uint8

// Families.
const (
	// BySubscription: the keys are made of subscriptions, which the site's owner
	// gives out.
	BySubscription Family = iota
	// ByKey: the keys are a document's own, made of anything, of what callers
	// choose too.
	ByKey
	families = 2
)

// Key names a counter. The zero Key is one like any other.
type Key struct {
	Of   Family
	Text string
}

// ErrFull: there is no room for another key.
var ErrFull = errors.New("as many keys are counted as there is room for")

// Rate asks a counter of calls for room in a sliding window.
type Rate struct {
	Key Key
	// Calls is how many may pass in Period. Counters of one key with other
	// periods count apart.
	Calls  int
	Period time.Duration
	// Count is how many pass now; 0 asks whether one could, and counts nothing.
	Count int
	// Late counts what has passed already, whether there is room or not.
	Late bool
}

// RateState is what a counter answers.
type RateState struct {
	Pass bool
	// Remaining is how many may still pass.
	Remaining int
	// RetryAfter is how long there is no room, where there is none.
	RetryAfter time.Duration
}

const (
	rateShards = 64
	// rateKeys bounds the keys of one family. One that is busy takes a kilobyte.
	rateKeys = 64 << 10
	// exactEntries is how many moments a window remembers one by one. When they
	// are not enough it goes over to rateSlots parts of its period.
	exactEntries = 64
	rateSlots    = 60
	// fewKeys of a shard may be idle.
	fewKeys = 64
	// longKey is the length from which keys are hashed.
	longKey = 64
)

// Rates counts calls in sliding windows: no period of the given length, wherever
// it begins, holds more than were allowed. Windows remember up to 64 moments as
// they are; with more, moments are rounded up to a 60th of the period, so that a
// call may be refused that much longer than it had to be, and none passes that
// should not.
//
// A key costs memory until its period has passed; then it leaves when others
// come. With 65,536 keys at work in a family there is [ErrFull] for new ones: to
// forget one would let it begin anew.
type Rates struct {
	now    func() time.Time
	start  time.Time
	seed   maphash.Seed
	shards [families][rateShards]rateShard
}

type rateShard struct {
	mu      sync.Mutex // guards the rest
	windows map[rateKey]*window
	// swept is when the shard was last searched, being full; 0: never.
	swept time.Duration
}

// rateKey is a key as it is kept.
type rateKey struct {
	text   string
	period time.Duration
}

// NewRates makes an empty one. now is the clock; nil: time.Now.
func NewRates(now func() time.Time) *Rates {
	if now == nil {
		now = time.Now
	}
	return &Rates{now: now, start: now(), seed: maphash.MakeSeed()}
}

// Ask asks, and counts what passes.
func (r *Rates) Ask(_ context.Context, ask Rate) (RateState, error) {
	text := kept(ask.Key.Text)
	s := &r.shards[ask.Key.Of][maphash.String(r.seed, text)%rateShards]
	now := r.now().Sub(r.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.window(rateKey{text, ask.Period}, now)
	if err != nil {
		return RateState{}, err
	}
	return w.ask(now, ask), nil
}

// kept is a key as it is kept: long ones as their digest, which is longer than
// any short one.
func kept(key string) string {
	if len(key) <= longKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// window finds or makes the window of a key.
func (s *rateShard) window(key rateKey, now time.Duration) (*window, error) {
	if w := s.windows[key]; w != nil {
		return w, nil
	}
	if s.windows == nil {
		s.windows = make(map[rateKey]*window)
	}
	if len(s.windows) >= fewKeys {
		s.forget(now, 4)
	}
	if len(s.windows) >= rateKeys/rateShards {
		// Searching costs; while nothing can have changed it is not repeated.
		if s.swept != 0 && now-s.swept < 100*time.Millisecond {
			return nil, ErrFull
		}
		s.swept = max(now, 1)
		if s.forget(now, len(s.windows)); len(s.windows) >= rateKeys/rateShards {
			return nil, ErrFull
		}
	}
	w := &window{}
	key.text = strings.Clone(key.text) // not all that it was cut from
	s.windows[key] = w
	return w, nil
}

// forget looks at a few windows, as maps give them, and drops those in which
// nothing is left.
func (s *rateShard) forget(now time.Duration, look int) {
	for key, w := range s.windows {
		if look--; look < 0 {
			return
		}
		if w.expire(now, key.period); len(w.entries) == 0 {
			delete(s.windows, key)
		}
	}
}

// window holds what passed in the last period.
type window struct {
	sum     int64
	entries []moment
	// coarse: moments are rounded up.
	coarse bool
}

// moment is when how many passed.
type moment struct {
	at time.Duration
	n  int64
}

// expire lets go of what is older than the period.
func (w *window) expire(now, period time.Duration) {
	gone := 0
	for gone < len(w.entries) && w.entries[gone].at+period <= now {
		w.sum -= w.entries[gone].n
		gone++
	}
	if gone > 0 {
		w.entries = append(w.entries[:0], w.entries[gone:]...)
	}
	if len(w.entries) == 0 {
		w.coarse = false
	}
}

func (w *window) ask(now time.Duration, ask Rate) RateState {
	w.expire(now, ask.Period)
	count := int64(max(ask.Count, 0))
	if !ask.Late && w.sum+max(count, 1) > int64(ask.Calls) {
		return RateState{
			Remaining:  w.remaining(ask.Calls),
			RetryAfter: w.until(now, ask.Period, w.sum+max(count, 1)-int64(ask.Calls)),
		}
	}
	w.add(now, ask.Period, count)
	return RateState{Pass: true, Remaining: w.remaining(ask.Calls)}
}

func (w *window) remaining(calls int) int { return int(max(0, int64(calls)-w.sum)) }

// until is when so many will have gone; the whole period, where they never are
// enough.
func (w *window) until(now, period time.Duration, many int64) time.Duration {
	for _, e := range w.entries {
		if many -= e.n; many <= 0 {
			return max(0, e.at+period-now)
		}
	}
	return period
}

// add counts n at a moment.
func (w *window) add(now, period time.Duration, n int64) {
	if n == 0 {
		return
	}
	w.sum += n
	if len(w.entries) > 0 { // clocks that go back count in the latest moment
		now = max(now, w.entries[len(w.entries)-1].at)
	}
	if !w.coarse && len(w.entries) == exactEntries && w.entries[len(w.entries)-1].at != now {
		w.coarsen(period)
	}
	if w.coarse {
		now = roundUp(now, period)
	}
	if last := len(w.entries) - 1; last >= 0 && w.entries[last].at == now {
		w.entries[last].n += n
		return
	}
	w.entries = append(w.entries, moment{now, n})
}

// coarsen rounds all moments up.
func (w *window) coarsen(period time.Duration) {
	w.coarse = true
	kept := w.entries[:0]
	for _, e := range w.entries {
		e.at = roundUp(e.at, period)
		if last := len(kept) - 1; last >= 0 && kept[last].at == e.at {
			kept[last].n += e.n
		} else {
			kept = append(kept, e)
		}
	}
	w.entries = kept
}

func roundUp(at, period time.Duration) time.Duration {
	slot := max(period/rateSlots, 1)
	return (at + slot - 1) / slot * slot
}
