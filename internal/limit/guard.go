package limit

import (
	"net/netip"
	"time"
)

// Bounds are what a site allows; 0 is no bound. They are given with each call,
// so that those of a new site count at once.
type Bounds struct {
	ConnectionsPerClient, ConnectionsPerPrefix int
	RequestsPerClient                          int
	// BanFor is the length of a first ban; 0: nobody is banned.
	BanFor time.Duration
}

// Guard is ladder, caps and bans as listeners use them. Its methods may be
// called from any goroutine.
type Guard struct {
	ladder      *Ladder
	connections Caps
	requests    Caps
	bans        *Bans
}

// GuardOptions are what a [Guard] is made of.
type GuardOptions struct {
	// Monitors of the ladder; see [SystemMonitors]. Nil: it stays at Normal.
	Monitors []Monitor
	// Now is the clock of the bans. Nil: time.Now.
	Now func() time.Time
}

// NewGuard makes a guard that counts nothing yet.
func NewGuard(opt GuardOptions) *Guard {
	return &Guard{ladder: NewLadder(opt.Monitors...), bans: NewBans(opt.Now)}
}

// Ladder is the overload ladder; somebody has to sample it.
func (g *Guard) Ladder() *Ladder { return g.ladder }

// Bans are the clients that are refused.
func (g *Guard) Bans() *Bans { return g.bans }

// Accept asks whether a connection may be opened by a peer. trusted is a proxy
// that speaks for many clients: neither bans nor caps are for it. What passed
// and was not trusted has to be given back by [Guard.Closed].
func (g *Guard) Accept(peer netip.Addr, trusted bool, b *Bounds) Verdict {
	if g.ladder.Level() >= Shed {
		return Overloaded
	}
	if trusted {
		return Pass
	}
	return g.Open(peer, b)
}

// Open counts a connection for a client that became known after accept, from
// the PROXY header of a trusted proxy.
func (g *Guard) Open(client netip.Addr, b *Bounds) Verdict {
	if b.BanFor > 0 && g.bans.Banned(client) > 0 {
		return Banned
	}
	return g.connections.Begin(client, b.ConnectionsPerClient, b.ConnectionsPerPrefix)
}

// Closed gives back a connection that Accept or Open let pass.
func (g *Guard) Closed(client netip.Addr) { g.connections.End(client) }

// Begin asks whether a request of a client may begin; known is a connection on
// which a caller was let in before. What passed has to be given back by
// [Guard.End].
func (g *Guard) Begin(client netip.Addr, known bool, b *Bounds) Verdict {
	if level := g.ladder.Level(); level >= Refuse || level >= Shed && !known {
		return Overloaded
	}
	if b.BanFor > 0 && g.bans.Banned(client) > 0 {
		return Banned
	}
	return g.requests.Begin(client, b.RequestsPerClient, 0)
}

// End gives back a request that Begin let pass.
func (g *Guard) End(client netip.Addr) { g.requests.End(client) }
