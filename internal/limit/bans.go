package limit

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// BanPoints is how many points of blame get a client banned.
	BanPoints = 100
	// BanLongest is the longest ban.
	BanLongest = time.Hour
	// banDecay is how long BanPoints take to be forgotten, evenly.
	banDecay = time.Minute
	// banMemory is how long after the end of a ban it counts as the first of
	// two.
	banMemory = time.Hour
	// banClients bounds the table; a record takes about a hundred bytes.
	banClients = 16 << 10
	banShards  = 32
)

// Ban is one client that is refused.
type Ban struct {
	// Client is an IPv4 address or an IPv6 /64.
	Client netip.Prefix
	// Cause is the misdeed that filled the measure.
	Cause string
	// For is how long the ban is in all, Left how long it still is.
	For, Left time.Duration
	// Times is how often the client was banned, this time included.
	Times int
}

// Bans remembers what clients were blamed for, and bans those that were blamed
// for too much. A ban ends by itself; the next one within an hour of its end
// is twice as long, up to [BanLongest].
//
//	points of a client    at 0 it is forgotten, BanPoints ban it
//	blame                 adds its points
//	time                  takes BanPoints a minute away
//	a ban                 sets the points to 0, and while it lasts none are added
//
// The table has room for 16,384 clients. Beyond, a new one takes the place of
// one with little to answer for, never of one that is banned while another is
// found: a flood of addresses makes the table forget suspects, not verdicts.
type Bans struct {
	now   func() time.Time
	start time.Time
	// until is the end of the last ban to end, since start; while it is past
	// nobody is banned, and asking costs a load.
	until  atomic.Int64
	shards [banShards]banShard
}

type banShard struct {
	mu      sync.Mutex // guards the rest
	records map[network]*banRecord
}

// banRecord is what is known of a client. Times count from Bans.start.
type banRecord struct {
	points float64
	at     time.Duration // of points
	until  time.Duration // end of the ban, 0: never banned
	length time.Duration
	times  int
	cause  string
}

// NewBans makes an empty table. now is the clock; nil: time.Now.
func NewBans(now func() time.Time) *Bans {
	if now == nil {
		now = time.Now
	}
	return &Bans{now: now, start: now()}
}

func (b *Bans) elapsed() time.Duration { return b.now().Sub(b.start) }

// Blame adds points to what a client has to answer for. If they fill the
// measure it is banned for first, or longer if that is not its first time, and
// Blame returns the ban. With first <= 0 nobody is banned.
func (b *Bans) Blame(a netip.Addr, cause string, points int, first time.Duration) (Ban, bool) {
	if points <= 0 || first <= 0 {
		return Ban{}, false
	}
	n, now := clientOf(a), b.elapsed()
	s := &b.shards[n.shard(banShards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record(n, now)
	if r.until > now {
		return Ban{}, false
	}
	r.decay(now)
	r.points += float64(points)
	if r.points < BanPoints {
		return Ban{}, false
	}
	r.ban(now, cause, first)
	b.extend(int64(r.until))
	return r.shown(n, now), true
}

// extend moves the end of the last ban to end.
func (b *Bans) extend(until int64) {
	for {
		last := b.until.Load()
		if last >= until || b.until.CompareAndSwap(last, until) {
			return
		}
	}
}

// Banned reports for how long the client of an address is still banned; 0: it
// is not.
func (b *Bans) Banned(a netip.Addr) time.Duration {
	last := b.until.Load()
	if last == 0 {
		return 0
	}
	now := b.elapsed()
	if int64(now) >= last {
		return 0
	}
	n := clientOf(a)
	s := &b.shards[n.shard(banShards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[n]; r != nil {
		return max(0, r.until-now)
	}
	return 0
}

// List returns the number of bans in force, and those of them, at most most,
// that last longest.
func (b *Bans) List(most int) (count int, longest []Ban) {
	now := b.elapsed()
	for i := range b.shards {
		longest = append(longest, b.shards[i].banned(now)...)
	}
	count = len(longest)
	slices.SortFunc(longest, func(x, y Ban) int {
		return cmp.Or(cmp.Compare(y.Left, x.Left), x.Client.Compare(y.Client))
	})
	return count, longest[:min(most, count)]
}

func (s *banShard) banned(now time.Duration) (bans []Ban) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, r := range s.records {
		if r.until > now {
			bans = append(bans, r.shown(n, now))
		}
	}
	return bans
}

// record finds or makes the record of a client.
func (s *banShard) record(n network, now time.Duration) *banRecord {
	if r := s.records[n]; r != nil {
		return r
	}
	if s.records == nil {
		s.records = make(map[network]*banRecord)
	}
	if len(s.records) >= banClients/banShards {
		s.makeRoom(now)
	}
	r := &banRecord{at: now}
	s.records[n] = r
	return r
}

// makeRoom drops one of a few records, taken at random as maps give them: one
// that says nothing any more, else the one with the fewest points.
func (s *banShard) makeRoom(now time.Duration) {
	var worst network
	least, looked := 0.0, 0
	for n, r := range s.records {
		r.decay(now)
		weight := r.weight(now)
		if looked == 0 || weight < least {
			worst, least = n, weight
		}
		if looked++; looked == 16 || weight == 0 {
			break
		}
	}
	delete(s.records, worst)
}

// weight is how much would be lost with the record.
func (r *banRecord) weight(now time.Duration) float64 {
	switch {
	case r.until > now:
		return 4*BanPoints + (r.until - now).Seconds()
	case r.until > 0 && now < r.until+banMemory:
		return BanPoints + r.points
	}
	return r.points
}

func (r *banRecord) decay(now time.Duration) {
	r.points = max(0, r.points-BanPoints*float64(now-r.at)/float64(banDecay))
	r.at = now
}

func (r *banRecord) ban(now time.Duration, cause string, first time.Duration) {
	first = min(first, BanLongest)
	if r.until == 0 || now >= r.until+banMemory {
		r.times, r.length = 0, first
	} else {
		r.length = min(2*r.length, BanLongest)
	}
	r.times++
	r.points, r.cause, r.until = 0, cause, now+r.length
}

func (r *banRecord) shown(n network, now time.Duration) Ban {
	return Ban{Client: n.netip(), Cause: r.cause, For: r.length, Left: r.until - now, Times: r.times}
}
