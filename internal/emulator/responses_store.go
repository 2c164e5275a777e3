package emulator

import (
	"sync"
	"time"
)

// Bounds of the stored responses: the oldest go first.
const (
	maxStored      = 1000
	maxStoredBytes = 64 << 20
)

// storedResponse is a response and what belongs to it. It is not written to
// after put, but for cancelled.
type storedResponse struct {
	// begun and done are its states before and after the answer.
	begun, done *response
	answer      *answer
	// obfuscate: its stream's deltas are filled up.
	obfuscate bool
	items     responseInput
	// talk is the conversation with the answer, for the next turn.
	talk string
	// size is what it holds, in bytes, more or less.
	size int
	// ready is when one in the background is done.
	ready time.Time
	// cancelled is guarded by the store's mu.
	cancelled bool
}

// responseStore keeps the latest responses. The zero value is empty.
type responseStore struct {
	mu    sync.Mutex // guards the rest
	byID  map[string]*storedResponse
	order []*storedResponse
	size  int
}

func (s *responseStore) put(r *storedResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*storedResponse{}
	}
	s.byID[r.begun.ID] = r
	s.order = append(s.order, r)
	s.size += r.size
	for len(s.order) > 1 && (len(s.order) > maxStored || s.size > maxStoredBytes) {
		oldest := s.order[0]
		s.order[0] = nil
		s.order = s.order[1:]
		s.size -= oldest.size
		delete(s.byID, oldest.begun.ID)
	}
}

func (s *responseStore) get(id string) (*storedResponse, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.byID[id]
	return r, ok
}

// drop forgets a response.
func (s *responseStore) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
	for i, r := range s.order {
		if r.begun.ID == id {
			s.size -= r.size
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			return
		}
	}
}

// cancel ends a response in the background that is not done, and returns its
// state.
func (s *responseStore) cancel(r *storedResponse, now time.Time) *response {
	s.mu.Lock()
	if now.Before(r.ready) {
		r.cancelled = true
	}
	s.mu.Unlock()
	return s.state(r, now)
}

// state is what a response is at a time.
func (s *responseStore) state(r *storedResponse, now time.Time) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.cancelled && !now.Before(r.ready) {
		return r.done
	}
	out := *r.begun
	if r.cancelled {
		out.Status = statusCancelled
	}
	return &out
}
