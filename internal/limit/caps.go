package limit

import (
	"net/netip"
	"sync"
)

// Verdict is whether something may begin.
type Verdict uint8

// Verdicts.
const (
	Pass Verdict = iota
	// Overloaded: the ladder stands too high.
	Overloaded
	// Banned: the client is banned.
	Banned
	// OverClient, OverPrefix: the client, or its network, holds as many as it
	// may.
	OverClient
	OverPrefix
)

// Caps counts what is open now per client (an IPv4 address, an IPv6 /64) and
// per network (an IPv4 /24, an IPv6 /48). The zero value is ready to use. An
// address costs memory only while it holds something.
type Caps struct {
	shards [capShards]capShard
}

const capShards = 64

// Begin counts one for an address, unless its client or network holds as many
// as it may (0: no bound). What passed has to be given back by [Caps.End] with
// the same address.
func (c *Caps) Begin(a netip.Addr, perClient, perPrefix int) Verdict {
	client := clientOf(a)
	if !c.of(client).take(client, perClient) {
		return OverClient
	}
	prefix := client.prefix()
	if !c.of(prefix).take(prefix, perPrefix) {
		c.of(client).give(client)
		return OverPrefix
	}
	return Pass
}

// End gives back one that Begin let pass.
func (c *Caps) End(a netip.Addr) {
	client := clientOf(a)
	prefix := client.prefix()
	c.of(client).give(client)
	c.of(prefix).give(prefix)
}

// Held is how many the client of an address and its network hold.
func (c *Caps) Held(a netip.Addr) (client, prefix int) {
	n := clientOf(a)
	return c.of(n).held(n), c.of(n.prefix()).held(n.prefix())
}

func (c *Caps) of(n network) *capShard { return &c.shards[n.shard(capShards)] }

// capShard is a part of the counts behind one lock.
type capShard struct {
	mu    sync.Mutex // guards the rest
	open  map[network]int32
	large bool
	_     [64]byte // shards do not share a cache line
}

// capLarge is the size from which a map is thrown away once it is empty: maps
// do not shrink, and after an attack this one would be large for ever.
const capLarge = 1024

func (s *capShard) take(n network, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.open[n]
	if most > 0 && int(held) >= most {
		return false
	}
	if s.open == nil {
		s.open = make(map[network]int32)
	}
	s.open[n] = held + 1
	s.large = s.large || len(s.open) > capLarge
	return true
}

func (s *capShard) give(n network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch held := s.open[n]; {
	case held > 1:
		s.open[n] = held - 1
	default:
		delete(s.open, n)
		if s.large && len(s.open) == 0 {
			s.open, s.large = nil, false
		}
	}
}

func (s *capShard) held(n network) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.open[n])
}
