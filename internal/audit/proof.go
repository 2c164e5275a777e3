package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows, without the log, that it holds a record. Its text form is that
// of c2sp.org/tlog-proof.
type Proof struct {
	Index uint64
	// Checkpoint is the signed note that the proof leads up to.
	Checkpoint []byte
	// Hashes is the inclusion proof of RFC 6962, section 2.1.1.
	Hashes []tlog.Hash
}

const proofHeader = "c2sp.org/tlog-proof@v1"

// Prove makes the proof for the record at an index. A record that is not
// published yet has none: fs.ErrNotExist.
func Prove(dir, verifier string, index uint64) (*Proof, error) {
	files := osFS{}
	v, err := newVerifier(verifier)
	if err != nil {
		return nil, &Error{Dir: dir, Reason: err.Error(), Err: err}
	}
	at, err := readCheckpoint(files, dir, v)
	if err != nil {
		return nil, err
	}
	if index >= at.size {
		return nil, fmt.Errorf("audit log %s: record %d is not published; %d are: %w", dir, index, at.size, fs.ErrNotExist)
	}
	hashes, err := tlog.ProveRecord(int64(at.size), int64(index), tlog.TileHashReader(at.tree(), tileReader{files, dir}))
	if err != nil {
		return nil, damaged(dir, "its tiles do not lead from the record to the checkpoint", err)
	}
	return &Proof{index, at.raw, hashes}, nil
}

// Check says whether the log of the verifier holds the entry, as it stands in
// [Entry].Raw, where the proof says.
func (p *Proof) Check(verifier string, entry []byte) error {
	v, err := newVerifier(verifier)
	if err != nil {
		return err
	}
	at, err := openHead(p.Checkpoint, v)
	if err != nil {
		return fmt.Errorf("the checkpoint of the proof: %w", err)
	}
	if p.Index >= at.size {
		return fmt.Errorf("the proof is of record %d and its checkpoint has %d", p.Index, at.size)
	}
	if tlog.CheckRecord(p.Hashes, int64(at.size), at.root, int64(p.Index), tlog.RecordHash(entry)) != nil {
		return fmt.Errorf("the proof does not hold: record %d of the log is not this one", p.Index)
	}
	return nil
}

// MarshalText writes the proof.
func (p *Proof) MarshalText() ([]byte, error) {
	b := []byte(proofHeader + "\nindex " + utoa(p.Index) + "\n")
	for _, h := range p.Hashes {
		b = append(b, h.String()+"\n"...)
	}
	return append(append(b, '\n'), p.Checkpoint...), nil
}

// UnmarshalText reads a proof; it does not check it.
func (p *Proof) UnmarshalText(text []byte) error {
	if len(text) > maxCheckpoint+8<<10 {
		return errors.New("it is too long for a proof")
	}
	top, checkpoint, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(top, "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHeader {
		return errors.New("it does not begin with " + proofHeader)
	}
	number, ok := strings.CutPrefix(lines[1], "index ")
	index, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil || utoa(index) != number {
		return errors.New("its second line is not an index")
	}
	hashes := make([]tlog.Hash, 0, len(lines)-2)
	for _, line := range lines[2:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line {
			return errors.New("one of its lines is not a hash")
		}
		hashes = append(hashes, h)
	}
	*p = Proof{index, []byte(checkpoint), hashes}
	return nil
}
