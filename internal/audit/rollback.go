package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// errNoCheckpoint is a fs.ErrNotExist in words.
var errNoCheckpoint = fmt.Errorf("the witness has no checkpoint yet: %w", fs.ErrNotExist)

// heldByWitness reads what the witness holds, whatever it is; nil: nothing.
func heldByWitness(ctx context.Context, w Witness) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	raw, err := w.Get(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case raw == nil:
		raw = []byte{} // an empty answer is one
	}
	return raw, nil
}

// askWitness reads what the witness holds; size 0: nothing. What it holds has
// to be signed by this log: an empty answer in its place could hide a
// roll-back.
//
// The raw text is returned in that case too.
func askWitness(ctx context.Context, dir string, set *settings) (head, error) {
	raw, err := heldByWitness(ctx, set.Witness)
	if err != nil || raw == nil {
		return head{}, err
	}
	h, err := openHead(raw, set.verifier)
	if err != nil {
		return head{raw: raw}, &Error{
			Dir: dir, Reason: "what its witness holds is no checkpoint of this log: " + err.Error(), Err: err,
			Mend: "give the log its own witness, put the checkpoint back there, or accept what is there as older state",
		}
	}
	return h, nil
}

// rollback says whether a log at ours continues what the witness holds. known
// is the root at that size, where the caller has it.
func (l *Log) rollback(ours, theirs head, known *tlog.Hash) error {
	if theirs.size > ours.size {
		return &RollbackError{
			Dir: l.dir, Ours: ours.raw, Witness: theirs.raw,
			Reason: fmt.Sprintf("it has %d records, and its witness has seen %d", ours.size, theirs.size),
		}
	}
	if known == nil && theirs.size > 0 {
		root, err := rootAt(l.set.FS, l.dir, ours, theirs.size)
		if err != nil {
			return damaged(l.dir, "it cannot be compared with its witness", err)
		}
		known = &root
	}
	if theirs.size > 0 && *known != theirs.root {
		return &RollbackError{
			Dir: l.dir, Ours: ours.raw, Witness: theirs.raw,
			Reason: fmt.Sprintf("its first %d records are not those that its witness has seen", theirs.size),
		}
	}
	return nil
}

// fatal makes the log unavailable for good.
func (l *Log) fatal(err *RollbackError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = &UnavailableError{Dir: l.dir, Reason: err.Reason, Err: err}
	l.broadcast()
}
