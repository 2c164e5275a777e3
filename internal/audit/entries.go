package audit

import (
	"bytes"
	"errors"
	"iter"
	"strings"
)

// Entries yields the records with indexes from from to to, which is not among
// them; to 0: up to the last that is durable. The log may be in use. Records
// are not verified; see [Verify]. An error ends the sequence.
func Entries(dir string, from, to uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r := reader{files: osFS{}, dir: dir, next: from, to: to, yield: yield}
		if err := r.run(); err != nil {
			yield(Entry{}, err)
		}
	}
}

// reader yields records in order.
type reader struct {
	files    FS
	dir      string
	next, to uint64
	yield    func(Entry, error) bool
	stopped  bool
}

func (r *reader) run() error {
	if r.to == 0 {
		r.to = maxSize
	}
	journal, err := readJournal(r.files, r.dir)
	if err != nil {
		return err
	}
	raw, err := r.files.ReadFile(join(r.dir, checkpointFile))
	if err != nil {
		return unreadable(r.dir, err)
	}
	at, err := unverifiedHead(raw)
	if err != nil {
		return damaged(r.dir, "its checkpoint cannot be used", err)
	}
	for !r.stopped && r.next < min(at.size, r.to) {
		if err := r.bundle(at.size); err != nil {
			return err
		}
	}
	for _, f := range journal {
		r.journal(f)
	}
	return nil
}

func (r *reader) emit(index uint64, raw []byte) {
	if r.stopped || index != r.next || index >= r.to {
		return
	}
	r.next++
	r.stopped = !r.yield(Entry{index, raw}, nil)
}

func (r *reader) bundle(size uint64) error {
	o := objectAt(size, entryLevel, r.next/tileWidth)
	data, err := o.read(r.files, r.dir)
	if err != nil {
		return unreadable(r.dir, err)
	}
	entries, err := splitBundle(data, o.width)
	if err != nil {
		return damaged(r.dir, o.path()+" is damaged", err)
	}
	for i, entry := range entries {
		r.emit(o.n*tileWidth+uint64(i), entry)
	}
	return nil
}

// journal yields what the file has beyond what was yielded. It stops where the
// file does: the writer may be in the middle of a batch.
func (r *reader) journal(f journalFile) {
	next, data := f.first, f.data
	for len(data) > 0 && !r.stopped {
		b, err := readBatch(data)
		if err != nil {
			return
		}
		entries, err := splitBundle(b.records, b.count)
		if err != nil {
			return
		}
		for i, entry := range entries {
			r.emit(next+uint64(i), entry)
		}
		next += uint64(b.count)
		data = data[b.length:]
	}
}

// unverifiedHead reads a checkpoint by whatever key.
func unverifiedHead(raw []byte) (head, error) {
	text, _, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok || len(raw) > maxCheckpoint {
		return head{}, errors.New("it is not a signed note")
	}
	origin, _, _ := strings.Cut(string(text), "\n")
	h, err := parseHead(string(text)+"\n", origin)
	h.raw = raw
	return h, err
}
