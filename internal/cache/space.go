package cache

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Space is a [Vectors] in process that looks at every vector of a partition:
// the answer is exact, and the work bounded by the number of entries. It fails
// with [ErrTooLarge], [ErrVector], and the context's error.
type Space struct {
	now func() time.Time

	mu   sync.Mutex // guards list and partitions
	list lru[*point]
	// partitions are the entries by partition. A slice is never changed where a
	// reader may be: points are added behind what readers see, and one that goes
	// leaves a new slice.
	partitions map[string][]*point
}

// point is one entry, which never changes.
type point struct {
	partition string
	unit      []float32
	value     []byte
	stored    time.Time
	node      *node[*point]
}

// NewSpace makes an empty one.
func NewSpace(o Options) *Space {
	o.complete(defaultVectors)
	return &Space{now: o.Now, list: newLRU[*point](&o), partitions: map[string][]*point{}}
}

// lookEvery is after how many vectors the context is looked at.
const lookEvery = 256

// Nearest is [Vectors.Nearest].
func (s *Space) Nearest(ctx context.Context, partition string, v []float32, most float64) (Match, bool, error) {
	unit, ok := unitOf(v)
	if !ok {
		return Match{}, false, ErrVector
	}
	now := s.now()
	s.mu.Lock()
	points := s.partitions[partition]
	s.mu.Unlock()
	var best *point
	least := math.Inf(1)
	for i, p := range points {
		if i%lookEvery == 0 && ctx.Err() != nil {
			return Match{}, false, context.Cause(ctx)
		}
		if len(p.unit) != len(unit) || !now.Before(p.node.expires) {
			continue
		}
		// Of two as near the later one counts.
		if d := distance(unit, p.unit); d <= least {
			best, least = p, d
		}
	}
	if best == nil || least > most {
		return Match{}, false, nil
	}
	s.used(best)
	return Match{Item: Item{Value: best.value, Stored: best.stored, Expires: best.node.expires}, Distance: least}, true, nil
}

// used notes that a point was given out.
func (s *Space) used(p *point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.partitions[p.partition], p) { // it may have gone meanwhile
		s.list.touch(p.node)
	}
}

// Add is [Vectors.Add].
func (s *Space) Add(_ context.Context, partition string, v []float32, value []byte, lasts time.Duration) error {
	unit, ok := unitOf(v)
	if !ok {
		return ErrVector
	}
	if lasts <= 0 {
		return nil
	}
	now := s.now()
	p := &point{partition: partition, unit: unit, value: value, stored: now}
	p.node = &node[*point]{it: p, size: int64(len(partition)+len(value)+4*len(unit)) + overhead, expires: now.Add(lasts)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.list.fits(p.node.size) {
		return ErrTooLarge
	}
	// The same words again take the place of what was kept for them.
	s.forget(partition, func(q *point) bool { return !now.Before(q.node.expires) || slices.Equal(q.unit, unit) })
	s.partitions[partition] = append(s.partitions[partition], p)
	s.list.push(p.node)
	for old := s.list.over(); old != nil; old = s.list.over() {
		s.forget(old.it.partition, func(q *point) bool { return q == old.it })
	}
	return nil
}

// forget lets go of points of a partition.
func (s *Space) forget(partition string, which func(*point) bool) {
	points := s.partitions[partition]
	if !slices.ContainsFunc(points, which) {
		return
	}
	kept := make([]*point, 0, len(points))
	for _, p := range points {
		if which(p) {
			s.list.drop(p.node)
		} else {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		delete(s.partitions, partition)
		return
	}
	s.partitions[partition] = kept
}

// Size is how many entries there are, those that have expired included, and how
// many bytes they take.
func (s *Space) Size() (entries int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list.entries, s.list.bytes
}

// unitOf is v with the length 1; false: it has no direction.
func unitOf(v []float32) ([]float32, bool) {
	sum := 0.0
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	if length := math.Sqrt(sum); length > 0 && !math.IsInf(length, 0) && !math.IsNaN(length) {
		unit := make([]float32, len(v))
		for i, f := range v {
			unit[i] = float32(float64(f) / length)
		}
		return unit, true
	}
	return nil, false
}

// distance is the cosine distance of two units of the same dimensions. Four sums
// keep the processor busy while one addition waits for another.
func distance(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return max(0, 1-float64(s0+s1+s2+s3))
}
