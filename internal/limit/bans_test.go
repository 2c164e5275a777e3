package limit

import (
	"net/netip"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{time.Unix(1_000_000, 0)} }
func blameUntilBanned(b *Bans, a netip.Addr) (ban Ban) {
	for ok := false; !ok; {
		ban, ok = b.Blame(a, "framing", 50, time.Minute)
	}
	return ban
}

func TestBanAndExpiry(t *testing.T) {
	c := newClock()
	b := NewBans(c.now)
	a := addr("10.0.0.1")
	if _, banned := b.Blame(a, "framing", BanPoints-1, time.Minute); banned || b.Banned(a) != 0 {
		t.Fatal("banned below the measure")
	}
	ban, banned := b.Blame(a, "head-size", 1, time.Minute)
	if want := (Ban{netip.MustParsePrefix("10.0.0.1/32"), "head-size", time.Minute, time.Minute, 1}); !banned || ban != want {
		t.Fatalf("%+v, %v, want %+v", ban, banned, want)
	}
	if b.Banned(a) != time.Minute || b.Banned(addr("10.0.0.2")) != 0 {
		t.Errorf("left %v, of the neighbour %v", b.Banned(a), b.Banned(addr("10.0.0.2")))
	}
	if _, again := b.Blame(a, "framing", 10*BanPoints, time.Minute); again {
		t.Error("a ban made longer while it lasts")
	}
	c.pass(59 * time.Second)
	if b.Banned(a) != time.Second {
		t.Errorf("left %v, want 1s", b.Banned(a))
	}
	c.pass(time.Second)
	if b.Banned(a) != 0 {
		t.Errorf("left %v after its end", b.Banned(a))
	}
	if n, _ := b.List(10); n != 0 {
		t.Errorf("%d bans listed", n)
	}
}

// TestBansGrow: each is twice as long as the last, up to an hour, until an
// hour has passed in peace.
func TestBansGrow(t *testing.T) {
	c := newClock()
	b := NewBans(c.now)
	a := addr("2001:db8::1")
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		ban := blameUntilBanned(b, a)
		if want *= time.Minute; ban.For != want || ban.Times != i+1 {
			t.Errorf("ban %d: %v, times %d, want %v", i+1, ban.For, ban.Times, want)
		}
		c.pass(ban.For + time.Second)
	}
	c.pass(banMemory)
	if ban := blameUntilBanned(b, a); ban.For != time.Minute || ban.Times != 1 {
		t.Errorf("after an hour of peace: %+v", ban)
	}
	if b.Banned(addr("2001:db8::ffff")) == 0 {
		t.Error("another address of the /64 is not banned")
	}
}

// TestBlameDecays: a client that errs now and then is never banned.
func TestBlameDecays(t *testing.T) {
	c := newClock()
	b := NewBans(c.now)
	for i := range 1000 {
		if ban, banned := b.Blame(addr("10.0.0.1"), "framing", 5, time.Minute); banned {
			t.Fatalf("banned after %d: %+v", i, ban)
		}
		c.pass(3 * time.Second)
	}
}

func TestNobodyIsBannedForNothing(t *testing.T) {
	b := NewBans(nil)
	for range 1000 {
		b.Blame(addr("10.0.0.1"), "framing", BanPoints, 0)
		b.Blame(addr("10.0.0.1"), "framing", 0, time.Minute)
	}
	if b.Banned(addr("10.0.0.1")) != 0 {
		t.Error("banned")
	}
}

// TestBansAreBounded: a flood of addresses does not grow the table, and does
// not free who is banned.
func TestBansAreBounded(t *testing.T) {
	c := newClock()
	b := NewBans(c.now)
	banned := addr("10.0.0.1")
	blameUntilBanned(b, banned)
	for i := range 20 * banClients {
		b.Blame(numbered(i), "framing", 5, time.Minute)
	}
	total := 0
	for i := range b.shards {
		total += len(b.shards[i].records)
	}
	if total > banClients {
		t.Errorf("%d records, the bound is %d", total, banClients)
	}
	if b.Banned(banned) == 0 {
		t.Error("the flood has freed the banned client")
	}
}

func TestListNamesTheLongest(t *testing.T) {
	c := newClock()
	b := NewBans(c.now)
	for i := range 20 {
		b.Blame(numbered(i), "framing", BanPoints, time.Duration(i+1)*time.Minute)
	}
	n, bans := b.List(3)
	if n != 20 || len(bans) != 3 || bans[0].Left != 20*time.Minute || bans[2].Left != 18*time.Minute {
		t.Errorf("%d, %+v", n, bans)
	}
}
