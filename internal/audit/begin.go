package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// prepare moves a log aside that Options.Predecessor replaces.
func (l *Log) prepare() (*Predecessor, error) {
	p := l.set.Predecessor
	if p == nil {
		return nil, nil
	}
	there, err := l.exists()
	if err == nil && there {
		err = l.moveAside()
	}
	return p, err
}

// acceptOlder turns a roll-back into the beginning of a new log, where the
// operator has said so.
func (l *Log) acceptOlder(err error) (*Predecessor, error) {
	var back *RollbackError
	if !l.set.AcceptOlder || !errors.As(err, &back) {
		return nil, err
	}
	there, err := l.exists()
	if err != nil {
		return nil, err
	}
	p := &Predecessor{
		Checkpoints: [][]byte{back.Witness},
		Reason:      "the operator accepted an older state: " + back.Reason,
	}
	if !there {
		return p, nil
	}
	if len(back.Ours) > 0 {
		p.Checkpoints = append(p.Checkpoints, back.Ours)
	}
	return p, l.moveAside()
}

// moveAside renames the directory. Nothing of it is lost, and it still can be
// verified.
func (l *Log) moveAside() error {
	base := l.dir + ".before-" + l.set.Now().UTC().Format("20060102T150405Z")
	to := base
	for i := 2; ; i++ {
		if _, err := l.set.FS.ReadDir(to); err != nil {
			break
		}
		to = fmt.Sprintf("%s-%d", base, i)
	}
	err := l.set.FS.Rename(l.dir, to)
	if err == nil {
		err = l.set.FS.SyncDir(filepath.Dir(l.dir))
	}
	if err != nil {
		return unwritable(l.dir, err)
	}
	l.set.Log.Warn("the audit log was moved aside, and a new one begins", "directory", to)
	return nil
}

// predecessor is how the first record names a checkpoint.
type predecessor struct {
	// Checkpoint is the text that was signed: origin, size and root.
	Checkpoint string `json:"checkpoint"`
	// Signature is the rest of the note.
	Signature string `json:"signature,omitempty"`
}

// begin writes the first record of a log that comes after others.
func (l *Log) begin(ctx context.Context, p *Predecessor) error {
	before := make([]predecessor, 0, len(p.Checkpoints))
	for _, raw := range p.Checkpoints {
		text, signature, _ := strings.Cut(string(raw), "\n\n")
		before = append(before, predecessor{strings.TrimSpace(text), strings.TrimSpace(signature)})
	}
	state, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("naming the audit log before: %w", err)
	}
	return l.note(ctx, &Record{
		Kind: KindLog, Action: "begin", Actor: "nobody", Outcome: "done", Before: state, Detail: p.Reason,
	})
}

// note writes a record of the log itself and waits for it.
func (l *Log) note(ctx context.Context, r *Record) error {
	pos := l.Append(r)
	l.Flush(pos)
	return l.Wait(ctx, pos)
}
