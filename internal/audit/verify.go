package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// verification is one run of Verify.
type verification struct {
	files    FS
	dir      string
	verifier note.Verifier
	at       head
	tree     *tree // of the records as they stand there
	report   *Report
	// wrong are tiles that do not hold the hashes of the records.
	wrong []Problem
	// blocks are the roots of each full bundle's records.
	blocks []tlog.Hash
	// watch is the witness's size, watched our root there.
	watch   head
	watched tlog.Hash
	// first and last are the first and the last record.
	first, last []byte
}

// Verify reads a whole log, which may be in use, and holds every record, every
// tile and the journal against the signatures by verifier, the content of an
// audit.pub that was kept elsewhere. Its error says that the log cannot be
// read; what is wrong with the log stands in the report.
func Verify(dir, verifier string, opt VerifyOptions) (*Report, error) {
	v, err := newVerifier(verifier)
	if err != nil {
		return nil, &Error{Dir: dir, Reason: err.Error(), Err: err}
	}
	c := &verification{files: opt.FS, dir: dir, verifier: v, tree: newTree(), report: &Report{Origin: v.Name()}}
	if c.files == nil {
		c.files = osFS{}
	}
	if _, err := c.files.ReadDir(dir); err != nil {
		return nil, unreadable(dir, err)
	}
	if len(opt.Witness) > 0 {
		if c.watch, err = openHead(opt.Witness, v); err != nil {
			c.problem("witness", -1, "its checkpoint cannot be used: "+err.Error())
		}
	}
	if err := c.published(); err != nil {
		return nil, err
	}
	c.witness()
	c.report.Size = c.tree.size
	c.report.Root = c.tree.root().String()
	c.report.First, c.report.Last = timeOf(c.first), timeOf(c.last)
	return c.report, nil
}

func (c *verification) problem(place string, index int64, reason string) {
	if len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, Problem{place, index, reason})
	}
}

// published checks what the checkpoint covers, and then the journal.
func (c *verification) published() error {
	journal, journalErr := readJournal(c.files, c.dir)
	raw, err := c.files.ReadFile(join(c.dir, checkpointFile))
	if isNotExist(err) {
		c.problem(checkpointFile, -1, "it is missing")
		return nil
	}
	if err != nil {
		return unreadable(c.dir, err)
	}
	if c.at, err = openHead(raw, c.verifier); err != nil {
		c.problem(checkpointFile, -1, err.Error())
		return nil
	}
	c.report.Published = c.at.size
	for n := uint64(0); n*tileWidth < c.at.size; n++ {
		c.block(n)
	}
	for _, o := range partials(c.tree.size, c.tree.rows, nil) {
		c.tile(o)
	}
	c.beyond()
	if c.tree.root() == c.at.root {
		c.tilesAreWrong()
		return c.journal(journal, journalErr)
	}
	c.locate()
	return nil
}

// block checks the n-th bundle: its records go into the tree. Where one is
// missing, the hash of its tile stands in, so that later records are checked.
func (c *verification) block(n uint64) {
	o := objectAt(c.at.size, entryLevel, n)
	var entries [][]byte
	data, err := o.read(c.files, c.dir)
	if err == nil {
		entries, err = splitBundle(data, o.width)
	}
	for _, entry := range entries {
		c.entry(entry)
	}
	if err != nil {
		index := min(n*tileWidth+uint64(len(entries)), c.at.size-1)
		c.problem(o.path(), int64(index), "the records cannot be read from here on: "+reason(err))
		c.standIn(n, len(entries), o.width)
	}
	for _, done := range c.tree.full {
		if done.level == 0 {
			c.blocks = append(c.blocks, rowHash(done.data))
		}
		if done.level >= 0 {
			c.tile(done)
		}
	}
	c.tree.full, c.tree.bundle = nil, nil
}

// reason leaves out the names that an error of the disk repeats.
func reason(err error) string {
	if isNotExist(err) {
		return "the file is missing"
	}
	return err.Error()
}

func (c *verification) entry(entry []byte) {
	if c.first == nil {
		c.first = slices.Clone(entry)
	}
	c.last = entry
	c.tree.add(entry)
	c.look()
}

// look notes our root at the size that the witness has seen.
func (c *verification) look() {
	if c.tree.size == c.watch.size {
		c.watched = c.tree.root()
	}
}

// standIn takes hashes from the tile of a bundle, in the place of records that
// cannot be read.
func (c *verification) standIn(n uint64, from, width int) {
	hashes, err := objectAt(c.at.size, 0, n).readHashes(c.files, c.dir)
	for i := from; i < width; i++ {
		var h tlog.Hash
		if err == nil {
			h = hashAt(hashes, i)
		}
		c.tree.addLeaf(h)
		c.look()
	}
}

// tile compares a tile with what the records make of it.
func (c *verification) tile(want object) {
	got, err := want.readHashes(c.files, c.dir)
	switch {
	case err != nil:
		c.wrong = append(c.wrong, Problem{want.path(), -1, "the tile cannot be used: " + reason(err)})
	case !bytes.Equal(got, want.data):
		c.wrong = append(c.wrong, Problem{want.path(), -1, "the tile does not hold the hashes of the records"})
	}
}

// tilesAreWrong reports what only tiles have wrong: the records have the root
// that is signed.
func (c *verification) tilesAreWrong() {
	for _, p := range c.wrong {
		c.problem(p.Place, p.Index, p.Reason)
	}
}

// beyond looks for a newer partial bundle than the checkpoint's. A publication
// that was interrupted leaves one, and so does a checkpoint that was put back.
func (c *verification) beyond() {
	o := objectAt(c.at.size, entryLevel, c.at.size/tileWidth)
	names, err := c.files.ReadDir(join(c.dir, o.base()+".p"))
	if err != nil {
		return // there is none, or it was told already
	}
	for _, e := range names {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > o.width {
			c.report.Notes = append(c.report.Notes, fmt.Sprintf("%s.p/%d holds more records than the checkpoint: "+
				"a publication was interrupted, or an older checkpoint was put back", o.base(), n))
		}
	}
}

// journal checks the records that are durable and not published.
func (c *verification) journal(files []journalFile, err error) error {
	r := replay{verifier: c.verifier, tree: c.tree, at: c.at, watch: c.watch.size}
	r.each = func(_ uint64, entry []byte) {
		if c.first == nil {
			c.first = entry
		}
		c.last = entry
	}
	if err == nil {
		err = r.run(files)
	}
	var d *damage
	var wrong *Error
	switch {
	case errors.As(err, &d):
		c.problem(d.place, int64(d.index), d.reason)
	case errors.As(err, &wrong):
		c.problem(journalDir, int64(c.tree.size), wrong.Reason)
	case err != nil:
		return err
	}
	if c.watch.size > c.at.size {
		c.watched = r.watched
	}
	for _, t := range r.dropped() {
		c.report.Notes = append(c.report.Notes, t.String()+": what a loss of power leaves, acknowledged to nobody, unless somebody changed it")
	}
	return nil
}

// witness compares with the checkpoint that was kept elsewhere.
func (c *verification) witness() {
	switch {
	case c.watch.size == 0:
	case c.watch.size > c.tree.size:
		c.problem("witness", int64(c.tree.size), fmt.Sprintf("records from here on are missing: the witness has seen %d, here are %d", c.watch.size, c.tree.size))
	case c.watched != c.watch.root:
		c.problem("witness", -1, fmt.Sprintf("the first %d records are not those that the witness has seen", c.watch.size))
	}
}
