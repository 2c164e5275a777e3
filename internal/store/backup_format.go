package store

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

const (
	backupFormat = "cloister backup 1"
	// maxBackupLine bounds one line of a backup, in bytes.
	maxBackupLine = 4 << 20
)

// BackupMeta is what the caller of [Store.Backup] adds to it.
type BackupMeta struct {
	// Version of cloister, Site and SiteDigest say what ran.
	Version    string `json:"version,omitempty"`
	Site       string `json:"site,omitempty"`
	SiteDigest string `json:"siteDigest,omitempty"`
	// AuditCheckpoint is the audit log's at the time: a restored state begins a
	// new log, which names it.
	AuditCheckpoint []byte `json:"auditCheckpoint,omitempty"`
}

// BackupInfo is what a backup says of itself.
type BackupInfo struct {
	Format string `json:"format"`
	BackupMeta
	CreatedAt time.Time `json:"createdAt"`
	// Driver is the database that it was taken of, "sqlite" or "postgresql".
	Driver   string   `json:"driver"`
	Schema   int      `json:"schema"`
	Revision Revision `json:"revision"`
	// KEK names what seals the keyring in it; empty: it lies in clear, and
	// whoever reads the backup has the keys.
	KEK string `json:"kek,omitempty"`
	// Rows is the number of rows in it. The manifest does not know it yet.
	Rows int `json:"rows,omitempty"`
	// Damaged are ids whose rows did not open when it was restored; they were
	// left out.
	Damaged []string `json:"damaged,omitempty"`
	// Edited is for [Store.OlderState]: it says that rows were put back, removed
	// or added outside the gateway. Where CreatedAt is zero, no backup was
	// restored, and the other fields say nothing.
	Edited string `json:"-"`
}

// BackupError says why a backup is not accepted. Nothing was changed.
type BackupError struct {
	Reason, Mend string
	Err          error // may be nil
}

func (e *BackupError) Error() string { return "backup: " + e.Reason + "; mend: " + e.Mend }

func (e *BackupError) Unwrap() error { return e.Err }

func notWhole(format string, args ...any) error {
	return &BackupError{Reason: fmt.Sprintf(format, args...), Mend: "take another copy of it, or an earlier backup"}
}

// A backup is lines of JSON: the manifest, the keyring, rows, and a trailer
// with the length and SHA-256 of all lines before it, and their HMAC under a
// key that the digest key gives. Each line has one of the members of backupLine.
type (
	backupLine struct {
		Manifest *BackupInfo    `json:"manifest,omitempty"`
		Keyring  []byte         `json:"keyring,omitempty"`
		Row      *backupRow     `json:"row,omitempty"`
		End      *backupTrailer `json:"end,omitempty"`
	}
	backupRow struct {
		// Kind is "" for a subscription, or "connection".
		Kind     string   `json:"kind,omitempty"`
		ID       string   `json:"id"`
		Revision Revision `json:"revision"`
		Sealed   []byte   `json:"sealed"`
	}
	backupTrailer struct {
		Rows   int    `json:"rows"`
		Bytes  int64  `json:"bytes"`
		SHA256 string `json:"sha256"`
		HMAC   string `json:"hmac"`
	}
)

// backupWriter writes lines and counts them.
type backupWriter struct {
	w     *bufio.Writer
	sum   hash.Hash
	bytes int64
	rows  int
}

func newBackupWriter(w io.Writer) *backupWriter {
	return &backupWriter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
}

func (b *backupWriter) line(l backupLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	b.sum.Write(text)
	b.bytes += int64(len(text))
	if l.Row != nil {
		b.rows++
	}
	_, err = b.w.Write(text)
	return err
}

// end writes the trailer.
func (b *backupWriter) end(key []byte) error {
	sum := b.sum.Sum(nil)
	err := b.line(backupLine{End: &backupTrailer{
		Rows: b.rows, Bytes: b.bytes, SHA256: hex.EncodeToString(sum), HMAC: hex.EncodeToString(backupMAC(key, sum)),
	}})
	return errors.Join(err, b.w.Flush())
}

func backupMAC(key, sum []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(sum)
	return h.Sum(nil)
}

// readBackup reads a whole backup, calls each with its rows, and returns what
// it says of itself, its keyring, and a function that verifies its HMAC.
func readBackup(r io.Reader, each func(backupRow) error) (info *BackupInfo, envelope []byte, verify func(key []byte) bool, err error) {
	in := bufio.NewReaderSize(r, maxBackupLine)
	sum, bytesRead, rows := sha256.New(), int64(0), 0
	for {
		text, l, err := readLine(in)
		if err != nil {
			return nil, nil, nil, err
		}
		switch {
		case info == nil:
			if info, err = manifest(l); err != nil {
				return nil, nil, nil, err
			}
		case envelope == nil && l.Keyring != nil:
			envelope = l.Keyring
		case envelope != nil && l.Row != nil:
			rows++
			if err := each(*l.Row); err != nil {
				return nil, nil, nil, err
			}
		case envelope != nil && l.End != nil:
			verify, err = l.End.check(in, sum.Sum(nil), bytesRead, rows)
			if err == nil {
				_, err = parseKeyringOf(info, envelope)
			}
			info.Rows = rows
			return info, envelope, verify, err
		default:
			return nil, nil, nil, notWhole("it holds a line in a place where it does not belong")
		}
		sum.Write(text)
		bytesRead += int64(len(text))
	}
}

func readLine(in *bufio.Reader) ([]byte, backupLine, error) {
	var l backupLine
	text, err := in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return nil, l, notWhole("it is cut short")
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, l, notWhole("it holds a line that is too long: it is no backup, or damaged")
	case err != nil:
		return nil, l, &BackupError{Reason: "it cannot be read: " + err.Error(), Mend: "see that the file can be read", Err: err}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return nil, l, notWhole("it holds a line that is malformed: it is no backup, or damaged")
	}
	return text, l, nil
}

func manifest(l backupLine) (*BackupInfo, error) {
	switch m := l.Manifest; {
	case m == nil:
		return nil, notWhole("it does not begin as a backup does")
	case m.Format != backupFormat:
		return nil, &BackupError{
			Reason: fmt.Sprintf("its format is %q, and this version of cloister knows %q", m.Format, backupFormat),
			Mend:   "restore it with the version that wrote it, or a later one",
		}
	case m.Schema > len(migrations()):
		return nil, &BackupError{
			Reason: fmt.Sprintf("it was taken at schema step %d, and this version of cloister knows %d", m.Schema, len(migrations())),
			Mend:   "restore it with the version that wrote it, or a later one",
		}
	default:
		return m, nil
	}
}

// parseKeyringOf holds manifest and keyring to each other.
func parseKeyringOf(info *BackupInfo, envelope []byte) (*envelopeText, error) {
	e, err := parseEnvelope(envelope)
	if err != nil || e.KEK != info.KEK {
		return nil, notWhole("its keyring is not what its beginning says")
	}
	return e, nil
}

// check holds the trailer to what was read before it.
func (t *backupTrailer) check(in *bufio.Reader, sum []byte, size int64, rows int) (verify func([]byte) bool, err error) {
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, notWhole("something follows its end")
	}
	mac, err := hex.DecodeString(t.HMAC)
	if err != nil || t.Rows != rows || t.Bytes != size || t.SHA256 != hex.EncodeToString(sum) {
		return nil, notWhole("its length or checksum is not what its end says: it was damaged or edited")
	}
	return func(key []byte) bool { return hmac.Equal(mac, backupMAC(key, sum)) }, nil
}

// ReadBackup reads a backup to its end and says what it is. It verifies that
// it is whole, and that nothing in it was damaged; that nobody edited it, only
// [Restore] can, with its keys. Errors: [*BackupError].
func ReadBackup(r io.Reader) (*BackupInfo, error) {
	info, _, _, err := readBackup(r, func(backupRow) error { return nil })
	if err != nil {
		return nil, err
	}
	return info, nil
}
