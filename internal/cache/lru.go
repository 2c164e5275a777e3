package cache

import "time"

// lru is a list of entries with bounds, the one that was used last in front.
// Whoever has it guards it. The zero lru holds nothing and has no bounds yet.
type lru[T any] struct {
	bytes, mostBytes int64
	entries, most    int
	front, back      *node[T]
}

// node is an entry of an lru.
type node[T any] struct {
	it         T
	size       int64
	expires    time.Time
	next, prev *node[T]
}

func newLRU[T any](o *Options) lru[T] { return lru[T]{mostBytes: o.Bytes, most: o.Entries} }

// fits reports whether an entry of that size may be taken in at all.
func (l *lru[T]) fits(size int64) bool { return size <= l.mostBytes/largestPart }

// push puts an entry in front.
func (l *lru[T]) push(n *node[T]) {
	n.prev, n.next = nil, l.front
	if l.front != nil {
		l.front.prev = n
	} else {
		l.back = n
	}
	l.front = n
	l.bytes += n.size
	l.entries++
}

// drop takes an entry out.
func (l *lru[T]) drop(n *node[T]) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.front = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.back = n.prev
	}
	n.prev, n.next = nil, nil
	l.bytes -= n.size
	l.entries--
}

// touch puts an entry in front that is in the list.
func (l *lru[T]) touch(n *node[T]) {
	if l.front == n {
		return
	}
	l.drop(n)
	l.push(n)
}

// over is the entry that has to go; nil: all have room.
func (l *lru[T]) over() *node[T] {
	if l.bytes > l.mostBytes || l.entries > l.most {
		return l.back
	}
	return nil
}
