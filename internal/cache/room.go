package cache

import "sync/atomic"

// Room bounds the bytes that are being collected at once, of all answers that
// pass and are to be kept when they are whole. The zero Room has none.
type Room struct {
	most int64
	used atomic.Int64
}

// NewRoom makes one for that many bytes.
func NewRoom(most int64) *Room { return &Room{most: most} }

// Take takes n bytes; false: there are not so many left.
func (r *Room) Take(n int64) bool {
	if r == nil {
		return false
	}
	if r.used.Add(n) > r.most {
		r.used.Add(-n)
		return false
	}
	return true
}

// Give gives n bytes back.
func (r *Room) Give(n int64) {
	if r != nil {
		r.used.Add(-n)
	}
}

// Used is how many are taken.
func (r *Room) Used() int64 { return r.used.Load() }
