package audit

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// damage is what is wrong with a journal, and from which record on.
type damage struct {
	place  string
	index  uint64
	reason string
}

func (d *damage) Error() string {
	return fmt.Sprintf("%s, from record %d on: %s", d.place, d.index, d.reason)
}

// replay extends a tree by what the journal holds beyond it.
type replay struct {
	verifier note.Verifier
	tree     *tree
	// at is the newest checkpoint that was read; torn are files that end in an
	// incomplete batch.
	at   head
	torn []torn
	// each, where there is one, is told each record that was added.
	each func(index uint64, entry []byte)
	// watch is a size for which watched becomes the root.
	watch   uint64
	watched tlog.Hash
}

// run goes through all files. A file is begun when everything before it is
// durable; so where one ends too early, the next gives it away. What it returns
// is a *damage.
func (r *replay) run(journal []journalFile) error {
	for _, f := range journal {
		if err := r.file(f); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) file(f journalFile) error {
	next := f.first
	if next > r.tree.size {
		return &damage{f.path(), r.tree.size, fmt.Sprintf("records %d to %d are missing", r.tree.size, next-1)}
	}
	for offset := 0; offset < len(f.data); {
		b, err := readBatch(f.data[offset:])
		if err == nil {
			err = r.batch(f, next, b)
		}
		var d *damage
		switch {
		case err == nil:
		case errors.As(err, &d):
			return d
		case r.isTorn(f.data, offset):
			r.torn = append(r.torn, torn{f, next, len(f.data) - offset})
			return nil
		default:
			return &damage{f.path(), next, err.Error()}
		}
		next += uint64(b.count)
		offset += b.length
	}
	return nil
}

// findCheckpoint finds the first signed checkpoint in data and says where it
// ends; -1: there is none.
func (r *replay) findCheckpoint(data []byte) (end int) {
	begin := []byte(r.verifier.Name() + "\n")
	for at := 0; ; at += len(begin) {
		i := bytes.Index(data[at:], begin)
		if i < 0 {
			return -1
		}
		at += i
		// A note ends with the line of its signature, after an empty one.
		note := data[at:min(at+maxCheckpoint, len(data))]
		text := bytes.Index(note, []byte("\n\n"))
		if text < 0 {
			continue
		}
		line := bytes.IndexByte(note[text+2:], '\n')
		if line < 0 {
			continue
		}
		end = text + 2 + line + 1
		if _, err := openHead(note[:end], r.verifier); err == nil {
			return at + end
		}
	}
}

// batch adds what the batch holds beyond the tree. Damage that no loss of
// power makes is a *damage.
func (r *replay) batch(f journalFile, first uint64, b batch) error {
	entries, err := splitBundle(b.records, b.count)
	if err != nil {
		return err
	}
	at, err := openHead(b.checkpoint, r.verifier)
	if err != nil {
		return fmt.Errorf("the checkpoint of a batch: %w", err)
	}
	end := first + uint64(b.count)
	if at.size != end {
		return &damage{f.path(), first, fmt.Sprintf("a batch that ends with record %d is signed for %d records", end-1, at.size)}
	}
	if end <= r.tree.size {
		return nil // published since, or written again after the disk failed
	}
	before := *r.tree
	entries = entries[r.tree.size-first:]
	for _, entry := range entries {
		r.tree.add(entry)
		if r.tree.size == r.watch {
			r.watched = r.tree.root()
		}
	}
	if r.tree.root() != at.root {
		*r.tree = before
		return errors.New("its records are not those that its checkpoint signs")
	}
	r.at = at
	for i, entry := range entries {
		if r.each != nil {
			r.each(before.size+uint64(i), entry)
		}
	}
	return nil
}
