package lab

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// seenBy is what the gateway sees of the endpoint's port, where nobody listens.
func seenBy(t *testing.T, l *Lab) Seen {
	t.Helper()
	seen, _, err := l.Dial(t.Context(), "gateway", netip.MustParseAddrPort("10.1.3.5:443"), "tcp", 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestFaults(t *testing.T) {
	l := start(t, Options{Bare: true})
	f := l.Faults(1)
	do := func(what string, err error, want Seen) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := seenBy(t, l); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	do("nothing", nil, Closed)
	do("cut", f.Cut("gateway", "openai"), Silent)
	do("heal", f.Heal("openai", "gateway"), Closed)
	do("cut from all", f.Cut("openai", ""), Silent)
	do("heal all", f.HealAll(), Closed)
	do("partition", f.Partition([]string{"app", "gateway"}, []string{"openai", "endpoints"}), Silent)
	if seen, _, _ := l.Dial(t.Context(), "app", netip.MustParseAddrPort("10.1.2.4:443"), "tcp", 100*time.Millisecond); seen != Closed {
		t.Errorf("within a part: %s", seen)
	}
	do("heal all", f.HealAll(), Closed)
	do("others'", f.Cut("app", "gateway"), Closed)
	do("heal all", f.HealAll(), Closed)
	stop := f.Flap(t.Context(), "gateway", "openai", 30*time.Millisecond)
	seen := map[Seen]bool{}
	for range 60 {
		s, _, err := l.Dial(t.Context(), "gateway", netip.MustParseAddrPort("10.1.3.5:443"), "tcp", 5*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		seen[s] = true
	}
	if !seen[Silent] || !seen[Closed] {
		t.Errorf("flapping: %v", seen)
	}
	do("flapping has ended", stop(), Closed)
	if err := f.Cut("nobody", "app"); err == nil {
		t.Error("a host that is not there was cut")
	}
}

// TestLoss: the share is the share, and a seed loses the same packets.
func TestLoss(t *testing.T) {
	lost := func(seed uint64) (out []int) {
		l := start(t, Options{Bare: true})
		if err := l.Faults(seed).Loss("endpoints", "internet", 0.3); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			s, _, err := l.Dial(t.Context(), "endpoints", netip.MustParseAddrPort("203.0.113.50:443"), "tcp", 8*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if s == Silent {
				out = append(out, i)
			}
		}
		return out
	}
	first, again, other := lost(7), lost(7), lost(8)
	if n := len(first); n < 15 || n > 45 {
		t.Errorf("%d of 100 were lost", n)
	}
	if !slices.Equal(first, again) {
		t.Errorf("one seed, two losses:\n%v\n%v", first, again)
	}
	if slices.Equal(first, other) {
		t.Error("two seeds, one loss")
	}
}

// TestRate: what takes no time otherwise takes it.
func TestRate(t *testing.T) {
	l := start(t, Options{Bare: true})
	f := l.Faults(1)
	ln, err := l.Listen("internet", netip.MustParseAddrPort("203.0.113.50:80"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })}
	go server.Serve(ln)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext("endpoints"), DisableKeepAlives: true}}
	send := func() time.Duration {
		begin := time.Now()
		r, err := client.Post("http://203.0.113.50:80/", "text/plain", strings.NewReader(strings.Repeat("x", 100<<10)))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return time.Since(begin)
	}
	free := send()
	if err := f.Rate("endpoints", 1_000_000); err != nil {
		t.Fatal(err)
	}
	limited := send()
	if err := f.Rate("endpoints", 0); err != nil {
		t.Fatal(err)
	}
	after := send()
	t.Log(free, limited, after)
	if limited < 400*time.Millisecond || after > limited/2 {
		t.Errorf("100 KiB took %v, at 1 Mbit/s %v, then %v", free, limited, after)
	}
}
