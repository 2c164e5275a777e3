package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is a checkpoint: what a log claimed to be, and its signed form.
type head struct {
	size uint64
	root tlog.Hash
	raw  []byte
}

func (h head) tree() tlog.Tree { return tlog.Tree{N: int64(h.size), Hash: h.root} }

// maxSize is far beyond any log, and keeps sums of sizes in 63 bits.
const maxSize = 1 << 50

// maxCheckpoint bounds what is read as one: three lines and signatures.
const maxCheckpoint = 16 << 10

func formatHead(origin string, size uint64, root tlog.Hash) string {
	return origin + "\n" + strconv.FormatUint(size, 10) + "\n" + base64.StdEncoding.EncodeToString(root[:]) + "\n"
}

func signHead(signer note.Signer, size uint64, root tlog.Hash) (head, error) {
	raw, err := note.Sign(&note.Note{Text: formatHead(signer.Name(), size, root)}, signer)
	if err != nil {
		return head{}, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return head{size, root, raw}, nil
}

// openHead verifies a checkpoint and reads it. Other signatures, which
// witnesses add, are allowed; other lines are not.
func openHead(raw []byte, v note.Verifier) (head, error) {
	if len(raw) > maxCheckpoint {
		return head{}, errors.New("it is too long for a checkpoint")
	}
	n, err := note.Open(raw, note.VerifierList(v))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return head{}, fmt.Errorf("it is not signed by %s", v.Name())
	case errors.As(err, &invalid):
		return head{}, fmt.Errorf("the signature by %s is not of this text", v.Name())
	case err != nil:
		return head{}, errors.New("it is not a signed note")
	}
	h, err := parseHead(n.Text, v.Name())
	h.raw = raw
	return h, err
}

func parseHead(text, origin string) (head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return head{}, errors.New("it has not the three lines of a checkpoint")
	}
	if lines[0] != origin {
		return head{}, fmt.Errorf("it is of the log %q, not of %q", lines[0], origin)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || size > maxSize || strconv.FormatUint(size, 10) != lines[1] {
		return head{}, errors.New("its size is not a number")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return head{}, errors.New("its root is not a hash")
	}
	return head{size: size, root: root}, nil
}

// readCheckpoint reads and verifies the published checkpoint.
func readCheckpoint(files FS, dir string, v note.Verifier) (head, error) {
	raw, err := files.ReadFile(join(dir, checkpointFile))
	if isNotExist(err) {
		return head{}, damaged(dir, "its checkpoint is missing", nil)
	}
	if err != nil {
		return head{}, unreadable(dir, err)
	}
	h, err := openHead(raw, v)
	if err != nil {
		return head{}, damaged(dir, "its checkpoint cannot be used", err)
	}
	return h, nil
}
