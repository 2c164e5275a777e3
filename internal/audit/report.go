package audit

import (
	"fmt"
	"time"
)

// VerifyOptions of [Verify]; the zero value is safe.
type VerifyOptions struct {
	// Witness is a checkpoint of the same log that was kept elsewhere. With it a
	// truncation and a roll-back are found.
	Witness []byte
	// FS is where the log lives; nil: the operating system's files.
	FS FS
}

// Report is what [Verify] found.
type Report struct {
	Origin string
	// Size counts the records that were checked, Published those under the
	// checkpoint; the rest stands in the journal.
	Size, Published uint64
	// Root is that of all records that were checked, in base64.
	Root string
	// First and Last are the times of the first and the last record.
	First, Last time.Time
	// Problems are empty when the log is what its writer wrote.
	Problems []Problem
	// Notes are what an operator should know and what proves nothing.
	Notes []string
}

// Problem is one thing that is wrong with a log.
type Problem struct {
	// Place is a path in the log's directory, or "witness".
	Place string
	// Index is the first record that it concerns; -1: none, or it cannot be
	// told.
	Index int64
	// Reason has no full stop.
	Reason string
}

func (p Problem) String() string {
	if p.Index < 0 {
		return p.Place + ": " + p.Reason
	}
	return fmt.Sprintf("%s: record %d: %s", p.Place, p.Index, p.Reason)
}

// OK says that there are no problems.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// FirstBad is the first record that is not what was written; ok is false where
// there is none, or where it cannot be told which.
func (r *Report) FirstBad() (index uint64, ok bool) {
	for _, p := range r.Problems {
		if p.Index >= 0 && (!ok || uint64(p.Index) < index) {
			index, ok = uint64(p.Index), true
		}
	}
	return index, ok
}

// maxProblems bounds a report; after a hundred the picture is clear.
const maxProblems = 100

// timeOf is the time of a record; zero where it has none.
func timeOf(entry []byte) time.Time {
	r, err := Entry{Raw: entry}.Record()
	if err != nil {
		return time.Time{}
	}
	return r.Time
}
