package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// beginning is what the first record of a log that comes after others says.
type beginning struct {
	reason string
	before []predecessor
}

// prepare moves a log aside that Options.Predecessor replaces. What it was up
// to, and what the witness holds, is read before; unheard is why the witness
// did not say it.
func (l *Log) prepare(ctx context.Context) (b *beginning, unheard, err error) {
	p := l.set.Predecessor
	if p == nil {
		return nil, nil, nil
	}
	b = &beginning{reason: p.Reason}
	for _, raw := range p.Checkpoints {
		b.add(raw, "")
	}
	there, err := l.exists()
	if err != nil {
		return nil, nil, err
	}
	if there {
		if err := b.addLocal(l.set.FS, l.dir); err != nil {
			return nil, nil, err
		}
	}
	if l.set.Witness != nil {
		raw, err := heldByWitness(ctx, l.set.Witness)
		if err == nil && raw != nil {
			b.add(raw, "witness")
		}
		unheard = err
	}
	if there {
		err = l.moveAside()
	}
	return b, unheard, err
}

// acceptOlder turns a roll-back into the beginning of a new log, where the
// operator has said so.
func (l *Log) acceptOlder(err error) (*beginning, error) {
	var back *RollbackError
	if !l.set.AcceptOlder || !errors.As(err, &back) {
		return nil, err
	}
	b := &beginning{reason: "the operator accepted an older state: " + back.Reason}
	b.add(back.Witness, "witness")
	there, err := l.exists()
	if err != nil || !there {
		return b, err
	}
	if err := b.addLocal(l.set.FS, l.dir); err != nil {
		return nil, err
	}
	return b, l.moveAside()
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

// predecessor is how a record names a checkpoint, whoever signed it. What does
// not parse as one, or is too long, is named by its digest.
type predecessor struct {
	// Checkpoint is the text that was signed: origin, size and root.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Signature is the rest of the note.
	Signature string `json:"signature,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Bytes     *int   `json:"bytes,omitempty"`
	// From is "directory" or "witness"; empty: given by Options.Predecessor.
	From string `json:"from,omitempty"`
}

// maxNamed is how long a checkpoint may be to be named in full: several have to
// find room in one record.
const maxNamed = 2 << 10

func nameCheckpoint(raw []byte, from string) predecessor {
	if _, err := unverifiedHead(raw); err == nil {
		text, signature, _ := strings.Cut(string(raw), "\n\n")
		p := predecessor{Checkpoint: strings.TrimSpace(text), Signature: strings.TrimSpace(signature), From: from}
		if state, err := json.Marshal(p); err == nil && len(state) <= maxNamed {
			return p
		}
	}
	sum := sha256.Sum256(raw)
	return predecessor{SHA256: hex.EncodeToString(sum[:]), Bytes: new(len(raw)), From: from}
}

// add names a checkpoint.
func (b *beginning) add(raw []byte, from string) {
	b.before = append(b.before, nameCheckpoint(raw, from))
}

// addLocal names what the directory was up to: its checkpoint, and the newest of
// its journal, which may have been acknowledged and never published. Neither is
// verified: the directory may be damaged, and of another key.
func (b *beginning) addLocal(files FS, dir string) error {
	var size uint64
	raw, err := files.ReadFile(join(dir, checkpointFile))
	if err != nil && !isNotExist(err) {
		return unreadable(dir, err)
	}
	if err == nil {
		b.add(raw, "directory")
		if h, err := unverifiedHead(raw); err == nil {
			size = h.size
		}
	}
	newest, err := journalEnd(files, dir)
	if err == nil && newest.size > size {
		b.add(newest.raw, "directory")
	}
	return err
}

// journalEnd is the newest checkpoint in a journal, of whatever key. What cannot
// be read as a journal is passed over.
func journalEnd(files FS, dir string) (newest head, err error) {
	names, err := files.ReadDir(join(dir, journalDir))
	if err != nil && !isNotExist(err) {
		return head{}, unreadable(dir, err)
	}
	for _, e := range names {
		if _, ok := parseJournalName(e.Name()); !ok {
			continue
		}
		data, err := files.ReadFile(join(dir, journalDir+"/"+e.Name()))
		if err != nil {
			return head{}, unreadable(dir, err)
		}
		for len(data) > 0 {
			b, err := readBatch(data)
			if err != nil {
				break
			}
			if h, err := unverifiedHead(b.checkpoint); err == nil && h.size > newest.size {
				h.raw = b.checkpoint
				newest = h
			}
			data = data[b.length:]
		}
	}
	return newest, nil
}

// begin writes the first record of a log that comes after others.
func (l *Log) begin(ctx context.Context, b *beginning) error {
	_, err := l.name(ctx, "begin", b.reason, b.before)
	return err
}

// name writes a record that names checkpoints, and waits for it.
func (l *Log) name(ctx context.Context, action, reason string, before []predecessor) (Position, error) {
	if before == nil {
		before = []predecessor{}
	}
	state, err := json.Marshal(before)
	if err != nil {
		return 0, fmt.Errorf("naming the audit log before: %w", err)
	}
	return l.note(ctx, &Record{Kind: KindLog, Action: action, Actor: "nobody", Outcome: "done", Before: state, Detail: reason})
}

// note writes a record of the log itself and waits for it.
func (l *Log) note(ctx context.Context, r *Record) (Position, error) {
	pos := l.Append(r)
	l.Flush(pos)
	return pos, l.Wait(ctx, pos)
}
