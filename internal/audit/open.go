package audit

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Open opens the log in a directory, which it makes where it is missing. What
// a crash left in the journal is published before it returns.
//
// It fails with an [*Error] where the directory is not a log of this key, is
// damaged or cannot be used, and with a [*RollbackError] where the witness has
// seen a later or another log; the directory is left as it is. A witness that
// cannot be reached is no reason to fail: [Status] shows it, and it is compared
// as soon as it answers.
func Open(ctx context.Context, dir string, opt Options) (*Log, error) {
	set, err := newSettings(opt)
	if err != nil {
		return nil, &Error{Dir: dir, Reason: err.Error(), Err: err}
	}
	l := newLog(filepath.Clean(dir), set)
	before, unheard, err := l.prepare(ctx)
	if err != nil {
		return nil, err
	}
	var found recovered
	if before == nil {
		found, err = l.recover(ctx)
		before, err = l.acceptOlder(err)
	}
	if err == nil && before != nil {
		found, err = l.create()
		found.compared, found.witnessErr = unheard == nil, unheard
	}
	if err == nil {
		err = l.resume(&found)
	}
	if err != nil {
		return nil, err
	}
	l.start(&found)
	err = l.tell(ctx, before, &found)
	l.startWitness(&found, before != nil, err == nil)
	if err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	return l, nil
}

// tell has records of what Open found.
func (l *Log) tell(ctx context.Context, before *beginning, found *recovered) error {
	if err := l.keepTorn(ctx, found); err != nil {
		return err
	}
	switch {
	case before != nil:
		return l.begin(ctx, before)
	case found.foreign != "":
		_, err := l.name(ctx, "witness.replaced", found.foreign, []predecessor{nameCheckpoint(found.held, "witness")})
		return err
	}
	return nil
}

func newLog(dir string, set settings) *Log {
	one := func() chan struct{} { return make(chan struct{}, 1) }
	none := func() chan struct{} { return make(chan struct{}) }
	return &Log{
		dir: dir, set: set, queue: queue{size: batchSize(set.MaxHeld)}, work: one(), hurry: one(), publish: one(), publishNow: one(),
		closing: none(), written: none(), wasPublished: none(), witnessed: none(), changed: none(),
	}
}

// recovered is what Open found.
type recovered struct {
	tree *tree
	// published is the checkpoint on disk, newest that of the journal's end.
	published, newest head
	journal           []journalFile
	// torn are those of its files that end in a torn batch, dropped those of
	// whose batch nothing is left.
	torn, dropped []torn
	// compared says that the witness was heard, and witnessErr why it was not.
	compared   bool
	witnessErr error
	// heard says that the witness held a checkpoint.
	heard bool
	// foreign says that the operator accepted a witness that held no checkpoint
	// of this log, and why it is none; held is what it held.
	foreign string
	held    []byte
}

// recover reads the log and changes nothing, unless there is none: then it
// makes one.
func (l *Log) recover(ctx context.Context) (recovered, error) {
	var theirs head
	out := recovered{compared: true}
	if l.set.Witness != nil {
		var wrong *Error
		theirs, out.witnessErr = askWitness(ctx, l.dir, &l.set)
		if errors.As(out.witnessErr, &wrong) {
			if !l.set.AcceptOlder {
				return out, wrong
			}
			out.foreign, out.held, out.witnessErr = wrong.Reason, theirs.raw, nil
			theirs = head{}
		}
		out.compared = out.witnessErr == nil
		out.heard = theirs.raw != nil
	}
	there, err := l.exists()
	if err != nil {
		return out, err
	}
	if !there {
		if err := l.rollback(head{}, theirs, nil); err != nil {
			return out, err
		}
		made, err := l.create()
		made.compared, made.witnessErr, made.foreign, made.held = out.compared, out.witnessErr, out.foreign, out.held
		return made, err
	}
	if out.published, err = readCheckpoint(l.set.FS, l.dir, l.set.verifier); err != nil {
		return out, err
	}
	if err := l.checkVerifier(); err != nil {
		return out, err
	}
	watched, err := l.replayJournal(&out, theirs.size)
	if err != nil {
		return out, err
	}
	if out.compared && !out.heard && out.foreign == "" && out.newest.size > 0 && l.set.Witness != nil {
		l.set.Log.Warn("the witness has no checkpoint of an audit log that has records: unless the witness is new, somebody removed it, "+
			"and a roll-back would not be noticed", "records", out.newest.size)
	}
	if theirs.size <= out.published.size {
		return out, l.rollback(out.published, theirs, nil) // by the tiles on disk
	}
	return out, l.rollback(out.newest, theirs, watched)
}

// replayJournal builds the tree, and says its root at the size watch.
func (l *Log) replayJournal(out *recovered, watch uint64) (*tlog.Hash, error) {
	var err error
	if out.tree, err = loadTree(l.set.FS, l.dir, out.published); err != nil {
		return nil, err
	}
	if out.journal, err = readJournal(l.set.FS, l.dir); err != nil {
		return nil, err
	}
	r := replay{verifier: l.set.verifier, tree: out.tree, at: out.published, watch: watch}
	if err := r.run(out.journal); err != nil {
		return nil, damaged(l.dir, "its journal is damaged: "+err.Error(), nil)
	}
	out.newest = r.at
	out.torn, out.dropped = r.torn, r.dropped()
	return &r.watched, nil
}

// exists says whether the directory holds a log, or anything of one.
func (l *Log) exists() (bool, error) {
	names, err := l.set.FS.ReadDir(l.dir)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(l.dir, err)
	}
	for _, e := range names {
		switch name := e.Name(); name {
		case checkpointFile + ".tmp", verifierFile + ".tmp": // of an interrupted beginning
		case tileDir, journalDir:
			inside, err := l.set.FS.ReadDir(join(l.dir, name))
			if err != nil {
				return false, unreadable(l.dir, err)
			}
			if len(inside) > 0 {
				return true, nil
			}
		default:
			return true, nil
		}
	}
	return false, nil
}

// checkVerifier sees that audit.pub is that of the key, and writes it where a
// crash prevented that.
func (l *Log) checkVerifier() error {
	data, err := l.set.FS.ReadFile(join(l.dir, verifierFile))
	if isNotExist(err) {
		if err := replaceFile(l.set.FS, l.dir, verifierFile, []byte(l.set.pub)); err != nil {
			return unwritable(l.dir, err)
		}
		return nil
	}
	if err != nil {
		return unreadable(l.dir, err)
	}
	if string(data) != l.set.pub {
		return damaged(l.dir, verifierFile+" is not the key that signs it", nil)
	}
	return nil
}

// create makes an empty log. Its checkpoint comes first, so that a log without
// one is never taken for a new one.
func (l *Log) create() (recovered, error) {
	t := newTree()
	at, err := signHead(l.set.signer, 0, t.root())
	if err != nil {
		return recovered{}, &Error{Dir: l.dir, Reason: err.Error(), Err: err}
	}
	files := l.set.FS
	if err := makeDurable(files, l.dir); err != nil {
		return recovered{}, unwritable(l.dir, err)
	}
	for _, dir := range []string{tileDir, journalDir} {
		if err := files.MkdirAll(join(l.dir, dir)); err != nil {
			return recovered{}, unwritable(l.dir, err)
		}
	}
	err = replaceFile(files, l.dir, checkpointFile, at.raw)
	if err == nil {
		err = replaceFile(files, l.dir, verifierFile, []byte(l.set.pub))
	}
	if err != nil {
		return recovered{}, unwritable(l.dir, err)
	}
	return recovered{tree: t, published: at, newest: at}, nil
}

// resume publishes what was recovered, after which the journal is not needed.
func (l *Log) resume(found *recovered) error {
	for _, dir := range []string{tileDir, journalDir} {
		if err := l.set.FS.MkdirAll(join(l.dir, dir)); err != nil {
			return unwritable(l.dir, err)
		}
	}
	l.writer = &writer{l: l, tree: found.tree}
	l.publisher = newPublisher(l, found.published.size)
	if found.newest.size > found.published.size {
		t := found.tree
		snap := snapshot{head: found.newest, rows: t.rows, bundle: t.bundle}
		l.publisher.pending = slices.Clone(t.full)
		t.full = nil
		if err := l.publisher.write(&snap); err != nil {
			return unwritable(l.dir, err)
		}
	}
	if len(found.journal) > 0 {
		// The process before may have ended between replacing the checkpoint and
		// making that durable.
		if err := l.set.FS.SyncDir(l.dir); err != nil {
			return unwritable(l.dir, err)
		}
	}
	for _, f := range found.journal {
		if !slices.ContainsFunc(found.torn, func(t torn) bool { return t.file.path() == f.path() }) {
			l.writer.remove(f.path())
		}
	}
	if n := len(found.torn); n > 0 {
		l.writer.at = found.torn[n-1].file // it still stands there, and its name is not used
	}
	l.next, l.durable, l.published = found.newest.size, found.newest.size, found.newest
	return nil
}

// start begins the goroutines but the witness's.
func (l *Log) start(found *recovered) {
	l.witness = &witnessLoop{l: l, work: make(chan struct{}, 1)}
	l.witness.ctx, l.witness.cancel = context.WithCancel(context.Background())
	l.witnessErr = found.witnessErr
	go l.writer.run()
	go l.publisher.run()
}

// startWitness begins the goroutine that hands over checkpoints. It comes after
// the records by which the log names what the witness held: told says that they
// are durable.
func (l *Log) startWitness(found *recovered, anew, told bool) {
	w := l.witness
	w.compared, w.anew, w.held = found.compared && told, anew, found.heard
	if anew || found.foreign != "" {
		w.named = Position(l.Status().Size)
	}
	signal(w.work)
	go w.run()
}
