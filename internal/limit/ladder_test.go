package limit

import (
	"errors"
	"math"
	"testing"
	"time"
)

// gauge is a monitor that tests set.
type gauge struct {
	pressure float64
	err      error
}

func (g *gauge) monitor(name string, most Level) Monitor {
	return Monitor{Name: name, Most: most, Read: func() (float64, error) { return g.pressure, g.err }}
}

func TestLadder(t *testing.T) {
	for _, row := range []struct {
		pressure float64
		want     Level
	}{
		{0, Normal}, {0.849, Normal}, {0.85, Shorten}, {0.919, Shorten}, {0.92, NoKeepAlive},
		{0.949, NoKeepAlive}, {0.95, Shed}, {0.979, Shed}, {0.98, Refuse}, {7, Refuse},
		{math.NaN(), Normal}, {math.Inf(1), Refuse}, {-1, Normal},
	} {
		g := &gauge{pressure: row.pressure}
		l := NewLadder(g.monitor("memory", Normal))
		if before, after := l.Sample(); before != Normal || after != row.want || l.Level() != row.want {
			t.Errorf("%v: from %v to %v, want %v", row.pressure, before, after, row.want)
		}
	}
}

// TestLadderComesDownSlowly: one step at a time, after a second well below.
func TestLadderComesDownSlowly(t *testing.T) {
	g := &gauge{pressure: 0.99}
	l := NewLadder(g.monitor("memory", Normal))
	l.Sample()
	g.pressure = 0.97 // within the margin of Refuse
	for range 100 {
		l.Sample()
	}
	if l.Level() != Refuse {
		t.Fatalf("at 0.97: %v", l.Level())
	}
	g.pressure = 0.5
	for _, want := range []Level{Shed, NoKeepAlive, Shorten, Normal, Normal} {
		for i := range calmSamples {
			if i > 0 && i < calmSamples-1 {
				g.pressure = 0.4
			}
			l.Sample()
		}
		if l.Level() != want {
			t.Fatalf("%v, want %v", l.Level(), want)
		}
	}
	// A ladder that is asked up again on its way starts waiting anew.
	g.pressure = 0.96
	l.Sample()
	for range 20 {
		g.pressure = 0.5
		for range calmSamples - 1 {
			l.Sample()
		}
		g.pressure = 0.96
		if _, after := l.Sample(); after != Shed {
			t.Fatalf("swings to %v", after)
		}
	}
}

func TestLadderTakesTheHighest(t *testing.T) {
	a, b, broken := &gauge{pressure: 0.1}, &gauge{pressure: 0.93}, &gauge{pressure: 5, err: errors.New("no such file")}
	l := NewLadder(a.monitor("memory", Normal), b.monitor("cpu", Normal), broken.monitor("files", Normal))
	if l.Sample(); l.Level() != NoKeepAlive || l.Pressure() != 0.93 {
		t.Errorf("%v at %v", l.Level(), l.Pressure())
	}
	r := l.Readings()
	if len(r) != 3 || r[0].Pressure != 0.1 || r[2].Err == nil {
		t.Errorf("readings %+v", r)
	}
	// A monitor of the caller's that may not refuse anybody.
	full := &gauge{pressure: 1}
	b.pressure = 0
	l = NewLadder(a.monitor("memory", Normal))
	if _, after := l.Sample(full.monitor("connections", Shorten)); after != Shorten {
		t.Errorf("full connections: %v", after)
	}
}

func TestTimeoutsShrink(t *testing.T) {
	const idle, floor = 60 * time.Second, 2 * time.Second
	for _, row := range []struct {
		pressure float64
		want     time.Duration
	}{
		{0, idle}, {0.85, idle}, {0.90, 31 * time.Second}, {0.95, floor}, {1, floor},
	} {
		g := &gauge{pressure: row.pressure}
		l := NewLadder(g.monitor("memory", Normal))
		l.Sample()
		if got := l.Timeout(idle, floor); (got - row.want).Abs() > time.Millisecond {
			t.Errorf("at %v: %v, want %v", row.pressure, got, row.want)
		}
		if got := l.Timeout(time.Second, floor); got != time.Second {
			t.Errorf("at %v a timeout below the floor: %v", row.pressure, got)
		}
	}
}
