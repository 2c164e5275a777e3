package audit

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Options of [Open]. Only Key has to be given.
type Options struct {
	// Origin is the log's name; empty: the key's. They have to be equal.
	Origin string
	// Key is the secret signer of [NewKey].
	Key string
	// FS is where the log lives; nil: the operating system's files.
	FS FS
	// Now is the wall clock, for records and file names; nil: time.Now.
	Now func() time.Time
	// Log hears when the log becomes unavailable and available; nil: nobody.
	Log *slog.Logger
	// Gather is how long a batch waits for further records; 0: 5 ms.
	Gather time.Duration
	// PublishEvery is the least time between publications; 0: 1 s.
	PublishEvery time.Duration
	// Witness keeps the newest published checkpoint elsewhere; nil: nobody
	// does, and a roll-back of the directory is not noticed.
	Witness Witness
	// WitnessEvery is the least time between checkpoints for the witness;
	// 0: 10 s.
	WitnessEvery time.Duration
	// Digest gives the keyed digest that stands in records for an identifier
	// of a kind that Hide names. It has to be safe for concurrent use.
	Digest func(kind, value string) string
	// Hide names the identifiers that nobody should read: HidePrincipal,
	// HideClient, HideSubscription.
	Hide []string
	// AcceptOlder goes on where Open would fail with a *RollbackError: the
	// directory is moved aside, and a new log begins whose first record names
	// the checkpoints of both. Where the witness holds no checkpoint of this log
	// at all, the log goes on and has a record that names what it held.
	AcceptOlder bool
	// Predecessor begins a new log after another, which a restored backup does:
	// a log in the directory is moved aside. The first record names the newest
	// checkpoints of that log and of the witness besides those given here. A
	// witness that does not answer is overwritten only when it has answered and a
	// later record names what it held. Give it once, not at every start.
	Predecessor *Predecessor

	// MaxHeld bounds the bytes of records that wait in memory, for the disk and
	// for their publication together; 0: 64 MiB, and never less than 1 MiB. Further
	// records are refused. The memory that they take is at most twice that.
	MaxHeld int

	// rotateAt is the size in bytes from which on a file of the journal whose
	// beginning is published is left for a new one; 0: 256 KiB. Smaller ones go
	// on: a new file costs a flush of its directory, which waiters wait for.
	rotateAt int
}

// Predecessor says what a new log comes after.
type Predecessor struct {
	// Checkpoints are those of the logs before; they need not be signed with
	// this log's key. What is none, or longer than 2 KiB as JSON, is named by its
	// SHA-256 and length.
	Checkpoints [][]byte
	// Reason is for people, and stands in the first record.
	Reason string
}

// DefaultMaxHeld is [Options.MaxHeld] in bytes where nothing is given.
const DefaultMaxHeld = 64 << 20

// settings are Options with every default filled in.
type settings struct {
	Options
	signer   note.Signer
	verifier note.Verifier
	// pub is the content of audit.pub.
	pub string
	enc encoder
}

func newSettings(opt Options) (settings, error) {
	s := settings{Options: opt}
	var err error
	if s.signer, s.pub, err = readSigner(opt.Key); err != nil {
		return s, err
	}
	if s.verifier, err = newVerifier(s.pub); err != nil {
		return s, err
	}
	if s.Origin != "" && s.Origin != s.signer.Name() {
		return s, fmt.Errorf("the log is called %q and its key is for %q; mend: make a key for this name, or keep the name", s.Origin, s.signer.Name())
	}
	s.Origin = s.signer.Name()
	if s.FS == nil {
		s.FS = osFS{}
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&s.Gather, 5*time.Millisecond)
	setDefault(&s.PublishEvery, time.Second)
	setDefault(&s.WitnessEvery, 10*time.Second)
	if s.rotateAt == 0 {
		s.rotateAt = 256 << 10
	}
	if s.MaxHeld <= 0 {
		s.MaxHeld = DefaultMaxHeld
	}
	s.MaxHeld = max(s.MaxHeld, 1<<20)
	s.enc = encoder{now: s.Now, digest: s.Digest}
	return s, s.hide()
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}

func (s *settings) hide() error {
	for _, kind := range s.Hide {
		switch kind {
		case HidePrincipal:
			s.enc.hidePrincipal = true
		case HideClient:
			s.enc.hideClient = true
		case HideSubscription:
			s.enc.hideSubscription = true
		default:
			return fmt.Errorf("the audit log cannot hide %q; it can hide principal, client and subscription", kind)
		}
	}
	if len(s.Hide) > 0 && s.Digest == nil {
		return errors.New("the audit log is to hide identifiers and was given no keyed digest")
	}
	return nil
}
