package audit

import (
	"net/netip"
	"sync"
	"time"
)

// Strangers keeps who is unknown from filling the log: of equal refusals in one
// second, by client, API, action and reason, the first has a record, and the
// others have one together. Make it with [NewStrangers].
type Strangers struct {
	log interface{ Append(*Record) Position }

	mu     sync.Mutex // guards window
	window map[stranger]*Record
}

// stranger is what makes refusals equal.
type stranger struct {
	client              netip.Addr
	api, action, reason string
}

// maxStrangers bounds how many are told apart in one second; the others have
// one record for each reason.
const maxStrangers = 256

// NewStrangers writes to log.
func NewStrangers(log interface{ Append(*Record) Position }) *Strangers {
	return &Strangers{log: log}
}

// Refused takes a refusal, which is not waited for, and reports whether it has
// a record of its own. The record is kept for at most a second.
func (s *Strangers) Refused(rec *Record) (own bool) {
	who := stranger{client: rec.Client, api: rec.API, action: rec.Action}
	if len(rec.Reasons) > 0 {
		who.reason = rec.Reasons[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window == nil {
		s.window = map[stranger]*Record{}
		time.AfterFunc(time.Second, s.Flush)
	}
	if again := s.window[who]; again != nil {
		*again, again.Count = *rec, again.Count+1
		return false
	}
	if len(s.window) < maxStrangers {
		s.log.Append(rec)
		s.window[who] = &Record{}
		return true
	}
	who = stranger{reason: who.reason}
	if again := s.window[who]; again != nil {
		again.Count++
		return false
	}
	s.window[who] = &Record{Time: rec.Time, Kind: rec.Kind, Action: rec.Action, Actor: rec.Actor, Outcome: rec.Outcome, Reasons: rec.Reasons, Site: rec.Site, Count: 1}
	return false
}

// Flush writes one record for all that were equal.
func (s *Strangers) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.window {
		if rec.Count > 0 {
			s.log.Append(rec)
		}
	}
	s.window = nil
}
