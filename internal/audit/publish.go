package audit

import (
	"fmt"
	"path"
	"time"
)

// publisher is the goroutine that writes tiles, bundles and the checkpoint.
// What it writes is durable in the journal already; so its errors are shown,
// and it tries again, and nobody is refused for them.
type publisher struct {
	l *Log
	// size is what the checkpoint on disk covers.
	size uint64
	// pending are finished objects that are not written yet. Those that are
	// written and wait for the checkpoint stand in replaced, because then their
	// partial forms are no longer needed.
	pending, replaced []object
	// safe are partial objects of a publication that failed afterwards. Its
	// checkpoint may stand all the same, so they are not written again.
	safe map[string]bool
	// known are directories that exist, unsynced those whose names are not
	// durable yet.
	known, unsynced map[string]bool
}

func newPublisher(l *Log, size uint64) *publisher {
	return &publisher{l: l, size: size, safe: map[string]bool{}, known: map[string]bool{}, unsynced: map[string]bool{}}
}

func (p *publisher) run() {
	l := p.l
	defer close(l.wasPublished)
	var last time.Time
	for {
		select {
		case <-l.publish:
		case <-l.written:
			if p.round() {
				l.writer.tidy() // its goroutine has ended
			}
			return
		}
		if rest := l.set.PublishEvery - time.Since(last); rest > 0 && !last.IsZero() {
			t := time.NewTimer(rest)
			select {
			case <-t.C:
			case <-l.publishNow:
			case <-l.written:
			}
			t.Stop()
		}
		last = time.Now()
		if !p.round() {
			signal(l.publish)
		}
	}
}

// round publishes what there is; false: it failed and has to be done again.
func (p *publisher) round() bool {
	l := p.l
	l.mu.Lock()
	snap := l.snap
	l.snap.full = nil
	l.mu.Unlock()
	p.pending = append(p.pending, snap.full...)
	if snap.size <= p.size {
		return true
	}
	err := p.write(&snap)
	l.mu.Lock()
	was := l.publishErr
	l.publishErr = err
	if err == nil {
		l.published, l.publishedAt, l.out = snap.head, l.set.Now(), snap.bytes
		l.full = l.full && l.crowded(maxEntry)
	}
	l.mu.Unlock()
	if err != nil && was == nil {
		l.set.Log.Error("the audit log cannot be published; its journal still takes records", "error", err)
	}
	if err == nil {
		signal(l.witness.work)
	}
	return err == nil
}

// write makes all objects durable and then, in one step, the checkpoint.
func (p *publisher) write(snap *snapshot) error {
	for len(p.pending) > 0 {
		group := p.pending[:min(groupSize, len(p.pending))]
		if err := p.objects(group); err != nil {
			return err
		}
		p.replaced = append(p.replaced, group...)
		clear(group)
		p.pending = p.pending[len(group):]
	}
	var unfinished []object
	for _, o := range partials(snap.size, snap.rows, snap.bundle) {
		if !p.has(o) {
			unfinished = append(unfinished, o)
		}
	}
	if err := p.objects(unfinished); err != nil {
		return err
	}
	for dir := range p.unsynced {
		if err := p.l.set.FS.SyncDir(join(p.l.dir, dir)); err != nil {
			return unpublished(err)
		}
		delete(p.unsynced, dir)
	}
	for _, o := range unfinished {
		p.safe[o.path()] = true
	}
	if err := replaceFile(p.l.set.FS, p.l.dir, checkpointFile, snap.raw); err != nil {
		return unpublished(err)
	}
	p.size = snap.size
	clear(p.safe)
	p.prune()
	return nil
}

func unpublished(err error) error { return fmt.Errorf("publishing the audit log: %w", err) }

// has says that this very object is durable. It must not be written again: a
// crash in the middle would take it from the checkpoint that stands.
func (p *publisher) has(o object) bool {
	return p.safe[o.path()] || o.level > 0 && p.size>>(tileHeight*o.level) == o.n*tileWidth+uint64(o.width)
}

// groupSize is how many objects are written before the first of them is
// flushed: a file system flushes many at little more than the cost of one.
const groupSize = 64

// objects writes objects and makes their content durable.
func (p *publisher) objects(group []object) (err error) {
	open := make([]File, 0, len(group))
	for _, o := range group {
		f, createErr := p.object(o)
		if f != nil {
			open = append(open, f)
		}
		if err = createErr; err != nil {
			break
		}
	}
	for _, f := range open {
		if err == nil {
			err = f.Sync()
		}
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return unpublished(err)
	}
	return nil
}

// object writes an object; the file is the caller's to flush and close.
func (p *publisher) object(o object) (File, error) {
	name := o.path()
	dir := path.Dir(name)
	if err := p.makeDir(dir); err != nil {
		return nil, err
	}
	p.unsynced[dir] = true
	return writeFile(p.l.set.FS, join(p.l.dir, name), o.data)
}

// makeDir makes a directory below the log's; its parents' names become durable
// with the next publication.
func (p *publisher) makeDir(dir string) error {
	if p.known[dir] {
		return nil
	}
	if err := p.l.set.FS.MkdirAll(join(p.l.dir, dir)); err != nil {
		return err
	}
	if len(p.known) > 64 { // full tiles leave their directories behind
		clear(p.known)
	}
	p.known[dir] = true
	for parent := path.Dir(dir); parent != "."; parent = path.Dir(parent) {
		p.unsynced[parent] = true
	}
	return nil
}

// prune removes partial objects that a full one has replaced. It is a best
// effort: what is left does no harm.
func (p *publisher) prune() {
	files := p.l.set.FS
	for _, o := range p.replaced {
		dir := o.base() + ".p"
		delete(p.known, dir)
		names, err := files.ReadDir(join(p.l.dir, dir))
		if err != nil {
			continue // nearly always: there never was one
		}
		for _, e := range names {
			err = files.Remove(join(p.l.dir, dir+"/"+e.Name()))
		}
		if err == nil {
			err = files.Remove(join(p.l.dir, dir))
		}
		if err != nil {
			p.l.set.Log.Warn("partial tiles of the audit log could not be removed", "directory", dir, "error", err)
		}
	}
	p.replaced = p.replaced[:0]
}
