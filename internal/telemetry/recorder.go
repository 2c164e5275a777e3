package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// RecorderOptions configures a [Recorder]. The zero value is usable.
type RecorderOptions struct {
	// Site is the site's name, in every line.
	Site string
	// FlushAfter is how long a line may wait for company before it is
	// written. Default 50ms, so that a line has left within 100 ms.
	FlushAfter time.Duration
	// MaxWaiting bounds the bytes that wait for the sink; beyond it Write
	// blocks. As many again may be on their way to the sink. Default 4 MiB,
	// about 5000 records.
	MaxWaiting int
	// RetryAfter is the pause after a failed write. Default 1s.
	RetryAfter time.Duration
	// Log is told, once per outage, that the sink fails. Default: nobody.
	Log *slog.Logger
	// Metrics counts lines, failures and early refusals; may be nil.
	Metrics *Metrics
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
}

func (o *RecorderOptions) defaults() {
	if o.FlushAfter <= 0 {
		o.FlushAfter = 50 * time.Millisecond
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 4 << 20
	}
	if o.RetryAfter <= 0 {
		o.RetryAfter = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// writeEarly is the number of waiting bytes from which on a write does not
// wait for FlushAfter: more in one write saves nothing.
const writeEarly = 64 << 10

// Recorder writes records as lines of JSON. Its methods may be called by any
// number of goroutines. One goroutine writes to the sink; it ends with
// [Recorder.Close].
type Recorder struct {
	opt      RecorderOptions
	lines    sync.Pool // of *[]byte: encoding happens outside the lock
	refusals refusals

	// mu guards waiting, written and finished.
	mu       sync.Mutex
	space    sync.Cond // signalled when waiting has been taken
	waiting  []byte
	finished bool

	// sinkMu guards sink, and is held while it is written to.
	sinkMu sync.Mutex
	sink   io.Writer

	failure atomic.Pointer[error]
	wake    chan struct{} // waiting is no longer empty
	early   chan struct{} // waiting has reached writeEarly
	stop    chan struct{}
	done    chan struct{}
	// giveUp ends the retries of a failing sink while closing.
	giveUp context.Context
	stopIt context.CancelFunc
	once   sync.Once
}

// NewRecorder starts a recorder that writes to sink. The caller closes it,
// after the last request has ended.
func NewRecorder(sink io.Writer, opt RecorderOptions) *Recorder {
	opt.defaults()
	r := &Recorder{
		opt: opt, sink: sink,
		wake: make(chan struct{}, 1), early: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	r.space.L = &r.mu
	r.lines.New = func() any { b := make([]byte, 0, 2<<10); return &b }
	r.giveUp, r.stopIt = context.WithCancel(context.Background())
	r.refusals.init(r)
	go r.run()
	return r
}

// Full reports whether nearly as many bytes wait for the sink as may: what
// begins now could not be recorded in good time.
func (r *Recorder) Full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) >= r.opt.MaxWaiting/4*3
}

// Write hands over one record, which the caller may use again afterwards. It
// blocks while the sink does not keep up and MaxWaiting bytes wait, for
// [maxBlock] at most; then the record waits too: it is never dropped. Whoever
// asks [Recorder.Full] before it begins something new keeps that bounded.
func (r *Recorder) Write(rec *Record) {
	line := r.lines.Get().(*[]byte)
	*line = rec.appendLine((*line)[:0], r.opt.Site)
	r.add(*line)
	r.lines.Put(line)
}

// RefusedBeforeRoute counts a request or connection that was refused before it
// could be identified. Of all that one source did for one cause within a
// second, one line leaves, with the count. Cause is one of a small, fixed set
// of kebab-case words; source is the peer's address.
func (r *Recorder) RefusedBeforeRoute(source netip.Addr, cause string) {
	r.opt.Metrics.refusedEarly(cause)
	r.refusals.add(source, cause)
}

// Err is nil while the sink takes what it is given, else the last failure.
func (r *Recorder) Err() error {
	if p := r.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Redirect changes the sink and returns the one before, to which nothing is
// written any more: after a reload, or when a log file has been rotated.
func (r *Recorder) Redirect(sink io.Writer) io.Writer {
	r.sinkMu.Lock()
	defer r.sinkMu.Unlock()
	old := r.sink
	r.sink = sink
	return old
}

// Close writes what waits and ends the recorder. When ctx is done before the
// sink has taken everything, it gives up and says so. What is written after
// Close goes straight to the sink.
func (r *Recorder) Close(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.refusals.close()
		r.once.Do(func() { close(r.stop) })
		<-r.done
	}()
	select {
	case <-ended:
		r.stopIt()
		return r.Err()
	case <-ctx.Done():
	}
	// A failing sink is given up at once. One that blocks inside Write
	// cannot be interrupted; its goroutine is left to the end of the process.
	r.stopIt()
	t := time.NewTimer(r.opt.RetryAfter)
	defer t.Stop()
	select {
	case <-ended:
		return errors.Join(ctx.Err(), r.Err())
	case <-t.C:
		return errors.Join(errSink, ctx.Err())
	}
}

// add appends one whole line to what waits.
func (r *Recorder) add(line []byte) {
	r.mu.Lock()
	if r.isOver(line) {
		// A Cond has no timed wait: the timer wakes whoever has waited enough.
		enough := false
		timer := time.AfterFunc(maxBlock, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			enough = true
			r.space.Broadcast()
		})
		for r.isOver(line) && !enough {
			r.space.Wait()
		}
		timer.Stop()
	}
	if r.finished {
		r.mu.Unlock()
		r.writeThrough(line)
		return
	}
	wasEmpty := len(r.waiting) == 0
	r.waiting = append(r.waiting, line...)
	isEarly := len(r.waiting) >= writeEarly
	r.mu.Unlock()
	r.opt.Metrics.lineWaits(len(line))
	if wasEmpty {
		signal(r.wake)
	}
	if isEarly {
		signal(r.early)
	}
}

// maxBlock is how long a record may hold up whoever writes it.
const maxBlock = 2 * time.Second

// isOver reports whether a line is one too many. The caller holds mu.
func (r *Recorder) isOver(line []byte) bool {
	return !r.finished && len(r.waiting) > 0 && len(r.waiting)+len(line) > r.opt.MaxWaiting
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the goroutine that writes.
func (r *Recorder) run() {
	defer close(r.done)
	var spare []byte
	timer := time.NewTimer(r.opt.FlushAfter)
	defer timer.Stop()
	for {
		stopping := false
		select {
		case <-r.wake:
		case <-r.stop:
			stopping = true
		}
		if !stopping {
			timer.Reset(r.opt.FlushAfter)
			select {
			case <-timer.C:
			case <-r.early:
			case <-r.stop:
				stopping = true
			}
		}
		out := r.take(spare, false)
		r.writeAll(out)
		spare = out
		if stopping {
			// What came while that was written is the rest; from here
			// on add writes by itself.
			r.writeAll(r.take(nil, true))
			return
		}
	}
}

// take swaps what waits for an empty buffer.
func (r *Recorder) take(spare []byte, last bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.waiting
	r.waiting = spare[:0]
	r.finished = r.finished || last
	r.space.Broadcast()
	return out
}

// writeAll writes whole lines until the sink has taken all of them, or until
// Close has given up.
func (r *Recorder) writeAll(out []byte) {
	for torn := false; len(out) > 0; {
		n, err := r.writeSome(out, torn)
		if err == nil {
			r.opt.Metrics.linesLeft(bytes.Count(out, []byte{'\n'}), len(out))
			r.succeeded()
			return
		}
		// A line that went out in part is written again in full, after a
		// line feed: readers skip one broken line and lose nothing.
		whole := bytes.LastIndexByte(out[:n], '\n') + 1
		r.opt.Metrics.linesLeft(bytes.Count(out[:whole], []byte{'\n'}), whole)
		torn = torn || n > whole
		out = out[whole:]
		r.failed(err)
		if !r.pause() {
			return
		}
	}
}

func (r *Recorder) writeSome(out []byte, torn bool) (int, error) {
	r.sinkMu.Lock()
	defer r.sinkMu.Unlock()
	if torn {
		if _, err := r.sink.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
	}
	n, err := r.sink.Write(out)
	if err == nil && n < len(out) {
		err = io.ErrShortWrite
	}
	return max(0, min(n, len(out))), err
}

func (r *Recorder) writeThrough(line []byte) {
	if _, err := r.writeSome(line, false); err != nil {
		r.failed(err)
	}
}

// pause waits before the next attempt; false: there shall be none.
func (r *Recorder) pause() bool {
	t := time.NewTimer(r.opt.RetryAfter)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.giveUp.Done():
		return false
	}
}

var errSink = errors.New("access records cannot be written")

func (r *Recorder) failed(err error) {
	err = errors.Join(errSink, err)
	r.opt.Metrics.sinkFailed()
	if r.failure.Swap(&err) == nil {
		r.opt.Log.Error("access records wait for their sink", "error", err)
	}
}

func (r *Recorder) succeeded() {
	if r.failure.Swap(nil) != nil {
		r.opt.Log.Info("access records are written again")
	}
}
