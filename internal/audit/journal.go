package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The journal holds what is durable and not published yet, in files that are
// named by the index of their first record; FIRST.2 is a further attempt, after
// the disk failed in FIRST. A file is a sequence of batches:
//
//	bytes   what
//	4       "CAJ1"
//	4       length of the records, big endian
//	4       number of records
//	4       length of the checkpoint
//	…       the records, as in a bundle of c2sp.org/tlog-tiles
//	…       a checkpoint over the tree after them
//
// A batch is written and flushed before the next one begins. So only the last
// batch of a file may be incomplete; it was acknowledged to nobody.

const (
	batchMagic  = "CAJ1"
	batchHeader = 16
	// maxHeld bounds the records that wait in memory, in bytes.
	maxHeld = 64 << 20
)

// putBatchHeader fills the first bytes of a batch.
func putBatchHeader(b []byte, records, count, checkpoint int) {
	copy(b, batchMagic)
	binary.BigEndian.PutUint32(b[4:], uint32(records))
	binary.BigEndian.PutUint32(b[8:], uint32(count))
	binary.BigEndian.PutUint32(b[12:], uint32(checkpoint))
}

// batch is a batch that was read.
type batch struct {
	records    []byte
	count      int
	checkpoint []byte
	length     int // of the whole, in bytes
}

var errShort = errors.New("it ends in the middle of a batch")

// readBatch takes a batch off data; it does not judge what is in it.
func readBatch(data []byte) (batch, error) {
	if len(data) < batchHeader {
		return batch{}, errShort
	}
	if string(data[:4]) != batchMagic {
		return batch{}, errors.New("a batch does not begin as one")
	}
	records := int64(binary.BigEndian.Uint32(data[4:]))
	count := int64(binary.BigEndian.Uint32(data[8:]))
	checkpoint := int64(binary.BigEndian.Uint32(data[12:]))
	if count == 0 || 2*count > records || checkpoint > maxCheckpoint {
		return batch{}, errors.New("the lengths of a batch contradict each other")
	}
	length := batchHeader + records + checkpoint
	if int64(len(data)) < length {
		return batch{}, errShort
	}
	return batch{
		records: data[batchHeader : batchHeader+records], count: int(count),
		checkpoint: data[batchHeader+records : length], length: int(length),
	}, nil
}

// journalFile is a file of the journal, by its name.
type journalFile struct {
	first   uint64
	attempt int
}

func (f journalFile) path() string {
	name := journalDir + "/" + utoa(f.first)
	if f.attempt > 1 {
		name += "." + strconv.Itoa(f.attempt)
	}
	return name
}

func parseJournalName(name string) (f journalFile, ok bool) {
	first, attempt, again := strings.Cut(name, ".")
	var err error
	if f.first, err = strconv.ParseUint(first, 10, 63); err != nil {
		return f, false
	}
	f.attempt = 1
	if again {
		if f.attempt, err = strconv.Atoi(attempt); err != nil {
			return f, false
		}
	}
	return f, f.path() == journalDir+"/"+name
}

// listJournal finds the files of the journal, in the order in which they were
// written.
func listJournal(files FS, dir string) ([]journalFile, error) {
	names, err := files.ReadDir(join(dir, journalDir))
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(dir, err)
	}
	var out []journalFile
	for _, e := range names {
		f, ok := parseJournalName(e.Name())
		if !ok {
			return nil, damaged(dir, journalDir+"/"+e.Name()+" is no file of this log", nil)
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b journalFile) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.attempt, b.attempt))
	})
	return out, nil
}

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
	files    FS
	dir      string
	verifier note.Verifier
	tree     *tree
	// at is the newest checkpoint that was read; torn names files that end in
	// an incomplete batch.
	at   head
	torn []string
	// each, where there is one, is told each record that was added.
	each func(index uint64, entry []byte)
	// watch is a size for which watched becomes the root.
	watch   uint64
	watched tlog.Hash
}

// run reads all files. What it returns is a *damage, or an error of the disk.
func (r *replay) run() error {
	list, err := listJournal(r.files, r.dir)
	if err != nil {
		return err
	}
	for _, f := range list {
		data, err := r.files.ReadFile(join(r.dir, f.path()))
		if err != nil {
			return unreadable(r.dir, err)
		}
		if err := r.file(f, data); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) file(f journalFile, data []byte) error {
	next := f.first
	for offset := 0; offset < len(data); {
		b, err := readBatch(data[offset:])
		if err == nil {
			err = r.batch(f, next, b)
		}
		var d *damage
		switch {
		case err == nil:
		case errors.As(err, &d):
			return d
		case r.isTorn(data, offset):
			r.torn = append(r.torn, f.path())
			return nil
		default:
			return &damage{f.path(), next, err.Error()}
		}
		next += uint64(b.count)
		offset += b.length
	}
	return nil
}

// isTorn tells a last batch that a loss of power interrupted from one that was
// changed afterwards. An interrupted one has lost its checkpoint, or another
// sector; and nothing follows it, because the writer goes on only when a batch
// is durable.
func (r *replay) isTorn(data []byte, offset int) bool {
	end := r.findCheckpoint(data[offset:])
	return end < 0 || offset+end == len(data) && hasHole(data, offset)
}

// sector is the smallest piece that a disk writes.
const sector = 512

// hasHole finds a sector that was never written. In one that was, the text of
// records and checkpoints leaves some byte that is not zero.
func hasHole(data []byte, from int) bool {
	for from < len(data) {
		to := min(from/sector*sector+sector, len(data))
		if len(bytes.Trim(data[from:to], "\x00")) == 0 {
			return true
		}
		from = to
	}
	return false
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
		text := bytes.Index(data[at:], []byte("\n\n"))
		if text < 0 {
			return -1
		}
		line := bytes.IndexByte(data[at+text+2:], '\n')
		if line < 0 {
			return -1
		}
		end = at + text + 2 + line + 1
		if _, err := openHead(data[at:end], r.verifier); err == nil {
			return end
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
	if first > r.tree.size {
		return &damage{f.path(), r.tree.size, fmt.Sprintf("records %d to %d are missing", r.tree.size, first-1)}
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
