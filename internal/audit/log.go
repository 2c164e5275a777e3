package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	dir string
	set settings
	buf sync.Pool // *[]byte, for records that are being encoded

	writer    *writer
	publisher *publisher
	witness   *witnessLoop

	// Each holds at most one token: "there is something to do".
	work, hurry, publish, publishNow chan struct{}
	// closing is closed when Close is called, the others when the goroutine has
	// ended: first the writer, then the publisher, then the witness.
	closing, written, wasPublished, witnessed chan struct{}

	// mu guards what follows. Nobody waits for the disk while holding it.
	mu sync.Mutex
	// queue holds the records that the writer has not taken, queued their number.
	queue  queue
	queued int
	// since is when the first record of the queue came.
	since time.Time
	// urgent asks not to gather longer.
	urgent bool
	closed bool
	// next is the number of records there are, durable the number on disk.
	next, durable uint64
	// held counts bytes of records that are not durable.
	held int
	// broken is why the journal cannot be written; nil: it can.
	broken *UnavailableError
	// dead is a reason to refuse that stays.
	dead *UnavailableError
	// full says that a record was refused because too many wait in memory.
	full bool
	// changed is closed, and replaced, when durable or broken change.
	changed chan struct{}
	// snap is what can be published.
	snap snapshot
	// stored and out count the bytes of records that are durable, and published.
	stored, out uint64
	published   head
	publishedAt time.Time
	publishErr  error
	witnessAt   time.Time
	witnessSize uint64
	witnessErr  error
	// witnessLost stays once the witness has lost what it held.
	witnessLost error
}

// Append queues a record and returns its position. It takes a few
// microseconds and never waits for the disk. Position 0 says that the record
// was refused, because the log is closed or too many records wait for the disk
// (Options.MaxHeld). The record is not kept.
func (l *Log) Append(r *Record) Position {
	buf, _ := l.buf.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = l.set.enc.append((*buf)[:0], r)
	p := l.enqueue(*buf)
	l.buf.Put(buf)
	return p
}

func (l *Log) enqueue(entry []byte) Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0
	}
	if l.crowded(len(entry)) {
		l.full = true
		return 0
	}
	if l.queued == 0 {
		l.since = time.Now()
		signal(l.work)
	}
	l.queue.add(entry)
	l.held += 2 + len(entry)
	l.queued++
	l.next++
	return Position(l.next)
}

// crowded says that a record of n bytes has no room beside those that wait for
// the disk and those that wait for their publication.
func (l *Log) crowded(n int) bool {
	return uint64(l.held+n)+l.stored-l.out > uint64(l.set.MaxHeld)
}

// Flush asks not to wait for further records before the one at p is written.
func (l *Log) Flush(p Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The last queued records of all are those that the writer has not taken.
	if uint64(p) > l.next-uint64(l.queued) && !l.urgent {
		l.urgent = true
		signal(l.hurry)
	}
}

// Wait returns nil when the record at p, and all before it, are durable. It
// returns an [*UnavailableError] as soon as the log cannot be written, or when
// the record was refused; the record may become durable later nonetheless.
func (l *Log) Wait(ctx context.Context, p Position) error {
	for {
		l.mu.Lock()
		durable, next, changed, err := l.durable, l.next, l.changed, l.unavailable()
		l.mu.Unlock()
		switch {
		case p == 0 && err == nil:
			return &UnavailableError{Dir: l.dir, Reason: "the record was refused"}
		case p > 0 && uint64(p) <= durable:
			return nil
		case err != nil:
			return err
		case uint64(p) > next:
			return fmt.Errorf("audit log %s: there is no record at position %d", l.dir, p)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for an audit record: %w", context.Cause(ctx))
		}
	}
}

// Err is nil while the log is healthy, and otherwise why what needs a record
// has to be refused: an [*UnavailableError].
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unavailable()
}

// unavailable is Err for those who hold mu.
func (l *Log) unavailable() error {
	switch {
	case l.dead != nil:
		return l.dead
	case l.broken != nil:
		return l.broken
	case l.full:
		return &UnavailableError{Dir: l.dir, Reason: fmt.Sprintf("more than %d MiB of records wait for the disk", l.set.MaxHeld>>20)}
	}
	return nil
}

// Status is what an operator may want to know of a log.
type Status struct {
	// Size counts all records, Durable those on disk, Published those that the
	// checkpoint covers.
	Size, Durable, Published uint64
	// PublishedAt is when the checkpoint was written; zero: not by this process.
	PublishedAt time.Time
	// Checkpoint is the published one, a signed note.
	Checkpoint []byte
	// PublishErr is why records are durable and cannot be published.
	PublishErr error
	// WitnessAt is when the witness last took a checkpoint, WitnessSize how many
	// records that covers. WitnessErr is why the last attempt failed, or that the
	// witness has lost the checkpoint that it held, which stays until the next Open.
	WitnessAt   time.Time
	WitnessSize uint64
	WitnessErr  error
	// Err is [Log.Err].
	Err error
}

// Status says how the log is.
func (l *Log) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{
		Size: l.next, Durable: l.durable, Published: l.published.size, PublishedAt: l.publishedAt,
		Checkpoint: l.published.raw, PublishErr: l.publishErr,
		WitnessAt: l.witnessAt, WitnessSize: l.witnessSize, WitnessErr: cmp.Or(l.witnessErr, l.witnessLost),
		Err: l.unavailable(),
	}
}

// Close makes every record durable, publishes them, and hands the last
// checkpoint to the witness. Its error says which of these failed; records
// that are durable stay so. When ctx ends first, the work is left to end in
// the background.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.closing)
	}
	l.mu.Unlock()
	select {
	case <-l.witnessed:
	case <-ctx.Done():
		l.witness.cancel()
		return fmt.Errorf("closing the audit log: %w", context.Cause(ctx))
	}
	l.witness.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.unavailable(), l.publishErr, l.witnessErr)
}

// signal leaves a token, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// broadcast wakes all that wait. Called with mu held.
func (l *Log) broadcast() {
	close(l.changed)
	l.changed = make(chan struct{})
}
