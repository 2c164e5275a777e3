package audit

import (
	"encoding/binary"
	"time"
)

// retryAfter is how long the writer waits after the disk failed.
const retryAfter = 250 * time.Millisecond

// snapshot is what there is to publish.
type snapshot struct {
	head
	rows   [8][]byte
	bundle []byte
	// full are the objects that were finished since the snapshot before.
	full []object
	// bytes counts all records up to here.
	bytes uint64
}

// writer is the goroutine that makes records durable. It alone holds the tree.
//
//	state     what it holds                       ends
//	idle      nothing                             when a record is queued
//	gathering records in the queue                after Gather, when asked to hurry, or
//	                                              when there is a whole batch
//	writing   a batch                             with a flush: all of it is durable
//	failed    the batch that was not flushed      after retryAfter: written again, into a new
//	                                              file; what came since stays in the queue
type writer struct {
	l    *Log
	tree *tree
	// batch holds the records that are not durable, behind room for a header;
	// count is their number.
	batch  []byte
	count  int
	failed bool
	// last is how many records the batch before had, and ended when it was
	// durable.
	last  int
	ended time.Time

	file    File // nil: the next batch begins one
	at      journalFile
	written int    // bytes in file that are durable
	end     uint64 // index behind the last durable record of file
	// done are files that the log is through with, once end is published.
	done []doneFile
}

type doneFile struct {
	path string
	end  uint64
}

func (w *writer) run() {
	defer close(w.l.written)
	for w.gather() {
		w.take()
		at, err := w.commit()
		if err != nil {
			w.fail(err)
		} else {
			w.succeed(at)
		}
		if w.failed && w.closing() {
			break
		}
		w.tidy()
	}
	if w.file != nil {
		w.finish()
	}
}

func (w *writer) closing() bool {
	select {
	case <-w.l.closing:
		return true
	default:
		return false
	}
}

// gather waits until there is a batch to write; false: the log is closed and
// there is none.
func (w *writer) gather() bool {
	l := w.l
	if w.failed {
		w.pause(retryAfter)
		return true
	}
	for {
		l.mu.Lock()
		queued, urgent, closed, since := l.queued, l.urgent || len(l.queue.batches) > 1, l.closed, l.since
		l.mu.Unlock()
		rest := l.set.Gather - time.Since(since)
		switch {
		case queued == 0 && closed:
			return false
		case queued == 0:
			select {
			case <-l.work:
			case <-l.closing:
			}
		case closed || rest <= 0 || urgent && w.spaced():
			return true
		case urgent:
			w.pause(hurriedApart)
		default:
			w.pauseOrHurry(rest)
		}
	}
}

// hurriedApart is how far apart batches are that somebody waits for, while
// many do: under load each takes the records of that time instead of the
// few that have come during the flush before, and costs the same.
const hurriedApart = 2 * time.Millisecond

// spaced reports that a batch in a hurry need not wait for the records of
// others.
func (w *writer) spaced() bool {
	return w.last < 2 || time.Since(w.ended) >= hurriedApart
}

func (w *writer) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.l.closing:
	}
}

func (w *writer) pauseOrHurry(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.l.hurry:
	case <-w.l.closing:
	}
}

// take moves a batch out of the queue, and its records into the tree, unless one
// is left that was not flushed: the tree holds all records a second time, until
// they are published, and an outage should not.
func (w *writer) take() {
	if w.count > 0 {
		return
	}
	l := w.l
	l.mu.Lock()
	b := l.queue.take()
	l.queued -= b.count
	l.urgent = l.urgent && l.queued > 0
	l.mu.Unlock()
	w.batch, w.count = b.data, b.count
	if b.count == 0 {
		return
	}
	rest := b.data[batchHeader:]
	for len(rest) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(rest))
		w.tree.add(rest[2:n])
		rest = rest[n:]
	}
}

// commit writes the batch and flushes it.
func (w *writer) commit() (head, error) {
	at, err := signHead(w.l.set.signer, w.tree.size, w.tree.root())
	if err != nil {
		return at, err
	}
	fresh := w.file == nil
	if fresh {
		if err := w.create(); err != nil {
			return at, err
		}
	}
	records := len(w.batch)
	w.batch = append(w.batch, at.raw...)
	putBatchHeader(w.batch, records-batchHeader, w.count, len(at.raw))
	_, err = w.file.Write(w.batch)
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil && fresh {
		err = w.l.set.FS.SyncDir(join(w.l.dir, journalDir))
	}
	if err == nil {
		w.written += len(w.batch)
		w.end = at.size
	}
	w.batch = w.batch[:records]
	return at, err
}

// create begins a file of the journal. A name that was tried before is not
// used again: what is in that file cannot be known.
func (w *writer) create() error {
	next := journalFile{first: w.tree.size - uint64(w.count), attempt: 1}
	if next.first == w.at.first {
		next.attempt = w.at.attempt + 1
	}
	w.at = next
	f, err := w.l.set.FS.Create(join(w.l.dir, next.path()))
	if err != nil {
		return err
	}
	w.file, w.written, w.end = f, 0, next.first
	return nil
}

// finish leaves the file. One in which nothing is durable is removed at once,
// to give back the room that a full disk needs.
func (w *writer) finish() {
	err := w.file.Close()
	w.file = nil
	if err != nil {
		w.l.set.Log.Warn("a file of the audit log could not be closed", "file", w.at.path(), "error", err)
	}
	if w.written == 0 {
		w.remove(w.at.path())
		return
	}
	w.done = append(w.done, doneFile{w.at.path(), w.end})
}

// remove is a best effort: what is left is recognised as published.
func (w *writer) remove(path string) {
	if err := w.l.set.FS.Remove(join(w.l.dir, path)); err != nil && !isNotExist(err) {
		w.l.set.Log.Warn("a file of the audit log that is no longer needed could not be removed", "file", path, "error", err)
	}
}

// tidy leaves a file that is large enough, and removes those that are
// published.
func (w *writer) tidy() {
	w.l.mu.Lock()
	published := w.l.published.size
	w.l.mu.Unlock()
	if w.file != nil && w.written > w.l.set.rotateAt && published > w.at.first {
		w.finish()
	}
	for len(w.done) > 0 && w.done[0].end <= published {
		w.remove(w.done[0].path)
		w.done = w.done[1:]
	}
}

// succeed wakes the waiters of a batch, and hands what is durable now to the
// publisher. The tree goes on by appending beyond what the snapshot sees.
func (w *writer) succeed(at head) {
	l, t := w.l, w.tree
	records := len(w.batch) - batchHeader
	l.mu.Lock()
	was := l.broken
	l.broken = nil
	l.durable = at.size
	l.held -= records
	l.stored += uint64(records)
	l.full = l.full && l.crowded(maxEntry)
	full := append(l.snap.full, t.full...)
	l.snap = snapshot{at, t.rows, t.bundle, full, l.stored}
	much := l.stored-l.out > uint64(l.set.MaxHeld/4)
	l.queue.spare = w.batch[:0]
	l.broadcast()
	l.mu.Unlock()
	signal(l.publish)
	if much {
		signal(l.publishNow)
	}
	clear(t.full)
	t.full = t.full[:0]
	w.last, w.ended = w.count, time.Now()
	w.batch, w.count, w.failed = nil, 0, false
	if was != nil {
		l.set.Log.Info("the audit log can be written again", "records", at.size)
	}
}

// fail tells the waiters, and leaves the file: after a failed flush nobody
// knows what is in it.
func (w *writer) fail(err error) {
	l := w.l
	w.failed = true
	if w.file != nil {
		w.finish()
	}
	broken := &UnavailableError{Dir: l.dir, Reason: "it cannot be written: " + err.Error(), Err: err}
	l.mu.Lock()
	was := l.broken
	l.broken = broken
	l.broadcast()
	l.mu.Unlock()
	if was == nil || was.Reason != broken.Reason {
		l.set.Log.Error("the audit log cannot be written", "error", err)
	}
}
