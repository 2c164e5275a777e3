// Package cache keeps things for a while: bytes by key, and bytes by the
// meaning of a text, which is a vector.
//
//	Cache    what others ask for bytes by key; Memory is the one in process
//	Vectors  what others ask for the nearest vector; Space is the one in process
//	Room     how many bytes may be collected at once on their way in
//	Flights  who computes a value while others wait for it
//
// It guarantees bounded memory: of entries and of their bytes, keys and
// overhead included. What is over the bounds pushes out what was used longest
// ago, whoever put it there. An entry is never given out at or after the end of
// its time, by the wall clock that was handed in. Nothing runs by itself: there
// are no goroutines and no timers; what has expired goes when it is met, or when
// there is no room. What is kept is kept by value and never changes; who gets it
// must not write to it. All may be used by many goroutines at once.
//
// It does not know whose the entries are: a key that is to belong to one caller
// has to hold that caller. It keeps nothing over a restart, and shares nothing
// with other processes; the interfaces take a context and give errors so that
// one that does can stand in the same place.
//
// It fails with [ErrTooLarge] where an entry would take an unfair part of the
// memory, and with [ErrVector] where a vector has no direction. Who asks a cache
// takes every error for a miss.
package cache

import (
	"context"
	"errors"
	"time"
)

// Cache keeps bytes by key.
type Cache interface {
	// Get finds what is kept under a key; ok is false where there is nothing, or
	// its time is over.
	Get(ctx context.Context, key string) (item Item, ok bool, err error)
	// Set keeps value for that long, in the place of what was there. The cache
	// keeps the slice. A time of nothing or less keeps nothing, and lets go of
	// what was there.
	Set(ctx context.Context, key string, value []byte, lasts time.Duration) error
	// Remove lets go of what is kept under a key.
	Remove(ctx context.Context, key string) error
}

// Item is what a cache keeps.
type Item struct {
	// Value must not be written to.
	Value []byte
	// Stored and Expires are when it came, and when its time is over.
	Stored, Expires time.Time
}

// Vectors keeps bytes by vector, in partitions that know nothing of each other.
type Vectors interface {
	// Nearest finds, among the vectors of a partition that have as many
	// dimensions, the one whose cosine distance (0: the same direction, 1: nothing
	// in common, 2: the opposite) to v is the least and at most that much.
	Nearest(ctx context.Context, partition string, v []float32, most float64) (m Match, ok bool, err error)
	// Add keeps value by v for that long. The slices are kept.
	Add(ctx context.Context, partition string, v []float32, value []byte, lasts time.Duration) error
}

// Match is what [Vectors.Nearest] found.
type Match struct {
	Item
	Distance float64
}

// Errors of this package.
var (
	ErrTooLarge = errors.New("cache: the entry is larger than one may be")
	ErrVector   = errors.New("cache: the vector has no direction")
)

// Options bound a [Memory] or a [Space].
type Options struct {
	// Bytes are how many it may hold; 0: 64 MiB. One entry may take an eighth.
	Bytes int64
	// Entries are how many it may hold; 0: 100,000, of a Space 10,000.
	Entries int
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
}

const (
	defaultBytes   = 64 << 20
	defaultEntries = 100_000
	defaultVectors = 10_000
	// overhead is what an entry takes beside its key and value.
	overhead = 160
	// largestPart of the bytes is the most that one entry may take.
	largestPart = 8
)

func (o *Options) complete(entries int) {
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	if o.Entries <= 0 {
		o.Entries = entries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}
