package audit

import (
	"net/netip"
	"sync"
	"testing"
	"time"
)

// stubLog keeps what it is given.
type stubLog struct {
	mu      sync.Mutex
	records []Record
}

func (l *stubLog) Append(r *Record) Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, *r)
	return Position(len(l.records))
}

func (l *stubLog) all() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Record(nil), l.records...)
}

// TestStrangersAreFew: refusals of unknown callers have a bounded number of
// records, and none is lost from the count.
func TestStrangersAreFew(t *testing.T) {
	log := &stubLog{}
	s := NewStrangers(log)
	const clients, each = 1000, 3
	for i := range clients {
		for range each {
			s.Refused(&Record{
				Client: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), API: "openai", Reasons: []string{"subscription-key-invalid"},
			})
		}
	}
	s.Flush()
	records := log.all()
	total := 0
	for _, r := range records {
		total += max(r.Count, 1)
	}
	if total != clients*each {
		t.Errorf("%d refusals on record, of %d", total, clients*each)
	}
	if len(records) > 2*maxStrangers+2 {
		t.Errorf("%d records in one second", len(records))
	}
	s.Refused(&Record{Client: netip.MustParseAddr("10.0.0.1")})
	if got := len(log.all()); got != len(records)+1 {
		t.Errorf("the next second's first refusal left %d records", got-len(records))
	}
}

// TestStrangersFlushByThemselves: what is held back is written within seconds,
// whether others come or not.
func TestStrangersFlushByThemselves(t *testing.T) {
	log := &stubLog{}
	s := NewStrangers(log)
	for range 5 {
		s.Refused(&Record{Client: netip.MustParseAddr("10.0.0.1"), Reasons: []string{"x"}})
	}
	for end := time.Now().Add(10 * time.Second); len(log.all()) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is written")
		}
	}
	if r := log.all()[1]; r.Count != 4 {
		t.Errorf("%+v", r)
	}
}
