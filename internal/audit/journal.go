package audit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
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
// A batch is written and flushed before the next one begins, and a file is
// begun when all before it is durable. So only the last batch of the newest file
// may be incomplete, which was acknowledged to nobody; and that of a file in
// which the disk failed, whose records stand in the next one again.

const (
	batchMagic  = "CAJ1"
	batchHeader = 16
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

// readBatchHeader reads the lengths at the beginning of a batch.
func readBatchHeader(data []byte) (records, count, checkpoint int64, err error) {
	if len(data) < batchHeader {
		return 0, 0, 0, errShort
	}
	if string(data[:4]) != batchMagic {
		return 0, 0, 0, errors.New("a batch does not begin as one")
	}
	records = int64(binary.BigEndian.Uint32(data[4:]))
	count = int64(binary.BigEndian.Uint32(data[8:]))
	checkpoint = int64(binary.BigEndian.Uint32(data[12:]))
	if count == 0 || 2*count > records || checkpoint > maxCheckpoint {
		return 0, 0, 0, errors.New("the lengths of a batch contradict each other")
	}
	return records, count, checkpoint, nil
}

// readBatch takes a batch off data; it does not judge what is in it.
func readBatch(data []byte) (batch, error) {
	records, count, checkpoint, err := readBatchHeader(data)
	if err != nil {
		return batch{}, err
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
	// data is what stands in it, for those who read.
	data []byte
}

func (f journalFile) path() string { return journalDir + "/" + f.name() }

func (f journalFile) name() string {
	name := utoa(f.first)
	if f.attempt > 1 {
		name += "." + strconv.Itoa(f.attempt)
	}
	return name
}

// compareFiles orders files as they were written.
func compareFiles(a, b journalFile) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.attempt, b.attempt))
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
	return f, f.name() == name
}

// readJournal reads the files of the journal, in the order in which they were
// written. Where the log is in use, the checkpoint has to be read after it:
// what is published in between stands in both, and a file that is gone is
// covered by the checkpoint.
func readJournal(files FS, dir string) ([]journalFile, error) {
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
		f.data, err = files.ReadFile(join(dir, journalDir+"/"+e.Name()))
		if err != nil && !isNotExist(err) {
			return nil, unreadable(dir, err)
		}
		out = append(out, f)
	}
	slices.SortFunc(out, compareFiles)
	return out, nil
}
