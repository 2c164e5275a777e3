package limit

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// SampleEvery is how often a ladder is to be sampled.
const SampleEvery = 250 * time.Millisecond

const (
	// calmMargin is how far pressure has to fall below a step's threshold
	// before the step is left, and calmSamples for how many samples in a row:
	// a ladder that swings does more harm than one that waits a second.
	calmMargin  = 0.02
	calmSamples = 4
)

// Monitor reads how much of one resource is used.
type Monitor struct {
	// Name is for the operator.
	Name string
	// Read returns the share in use, from 0 to 1 and beyond; an error: it is
	// not known now.
	Read func() (float64, error)
	// Most is the highest level that this monitor may cause. Normal: any.
	Most Level
}

// Reading is what a monitor said last.
type Reading struct {
	Name     string
	Pressure float64
	// Err: the figure is not known, and does not count.
	Err error
}

// Ladder turns the readings of monitors into a [Level]: the highest that any
// of them asks for. It goes up at once and comes down one step at a time, see
// calmMargin. It has no clock of its own; somebody calls [Ladder.Sample] every
// [SampleEvery].
type Ladder struct {
	monitors []Monitor
	level    atomic.Uint32
	pressure atomic.Uint64 // bits of a float64

	mu       sync.Mutex // guards the rest
	readings []Reading
	calm     int // samples in a row that ask for less than level
}

// NewLadder makes a ladder at Normal.
func NewLadder(monitors ...Monitor) *Ladder {
	return &Ladder{monitors: slices.Clone(monitors)}
}

// Level is the step in force.
func (l *Ladder) Level() Level { return Level(l.level.Load()) }

// Pressure is the highest reading of the last sample.
func (l *Ladder) Pressure() float64 { return math.Float64frombits(l.pressure.Load()) }

// Readings are those of the last sample.
func (l *Ladder) Readings() []Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.readings)
}

// Timeout is how long something may be idle now: timeout, shortened as the
// ladder says, but not below floor.
func (l *Ladder) Timeout(timeout, floor time.Duration) time.Duration {
	if l.Level() == Normal {
		return timeout
	}
	return shorten(timeout, floor, l.Pressure())
}

// Sample reads the monitors, and more that the caller has, and returns the
// level before and after.
func (l *Ladder) Sample(more ...Monitor) (before, after Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readings = l.readings[:0]
	highest, asked, calmer := 0.0, Normal, Normal
	for _, m := range slices.Concat(l.monitors, more) {
		r := Reading{Name: m.Name}
		r.Pressure, r.Err = m.Read()
		l.readings = append(l.readings, r)
		if r.Err != nil || math.IsNaN(r.Pressure) {
			continue
		}
		highest = max(highest, r.Pressure)
		asked = max(asked, m.capped(r.Pressure))
		calmer = max(calmer, m.capped(r.Pressure+calmMargin))
	}
	before = l.Level()
	after = l.step(before, asked, calmer)
	l.pressure.Store(math.Float64bits(highest))
	l.level.Store(uint32(after))
	return before, after
}

func (m Monitor) capped(pressure float64) Level {
	level := levelOf(pressure)
	if m.Most != Normal {
		return min(level, m.Most)
	}
	return level
}

// step decides the next level: asked is what the readings ask for, calmer what
// they would ask for were they higher by the margin.
func (l *Ladder) step(now, asked, calmer Level) Level {
	switch {
	case asked > now:
		l.calm = 0
		return asked
	case calmer >= now:
		l.calm = 0
		return now
	}
	if l.calm++; l.calm < calmSamples {
		return now
	}
	l.calm = 0
	return now - 1
}
