package audit

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

var errPower = errors.New("the power is gone")

// crashFS is a file system in memory that can lose power. As on a real one, a
// file's bytes survive when the file was synced, and a name when its directory
// was. Of what was not synced anything may survive: names by themselves, and
// each sector of a file by itself; a sector that does not is zeros.
type crashFS struct {
	mu sync.Mutex
	// now and disk map paths to files: what processes see, what is durable. A
	// directory is a node without a file.
	now, disk map[string]*node
	// ops counts operations that change something; from the one numbered powerAt
	// on everything fails. 0: never.
	ops, powerAt int
	// fault, where there is one, may let an operation fail. A write that fails
	// has written a half; a sync that fails has lost what was to be synced.
	fault func(op, name string) error
}

type node struct {
	dir  bool
	data []byte
	// synced is how much of data is on disk; lost, that a sync failed: the
	// kernel has dropped the pages and reports it once.
	synced int
	lost   bool
}

func newCrashFS() *crashFS {
	root := &node{dir: true}
	return &crashFS{now: map[string]*node{"/": root}, disk: map[string]*node{"/": root}}
}

func (c *crashFS) step(op, name string) error {
	c.ops++
	if c.powerAt > 0 && c.ops >= c.powerAt {
		return errPower
	}
	if c.fault != nil {
		return c.fault(op, name)
	}
	return nil
}

func (c *crashFS) MkdirAll(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range []string{filepath.Dir(filepath.Dir(filepath.Dir(name))), filepath.Dir(filepath.Dir(name)), filepath.Dir(name), name} {
		if c.now[p] != nil {
			continue
		}
		if err := c.step("mkdir", p); err != nil {
			return err
		}
		c.now[p] = &node{dir: true}
	}
	return nil
}

func (c *crashFS) Create(name string) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("create", name); err != nil {
		return nil, err
	}
	if parent := c.now[filepath.Dir(name)]; parent == nil || !parent.dir {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrNotExist}
	}
	if c.now[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	n := &node{}
	c.now[name] = n
	return &crashFile{c, name, n}, nil
}

func (c *crashFS) ReadFile(name string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.now[name]
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(n.data), nil
}

func (c *crashFS) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.now[name]; n == nil || !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var out []fs.DirEntry
	for _, p := range slices.Sorted(maps.Keys(c.now)) {
		if filepath.Dir(p) == name && p != name {
			out = append(out, entryInfo{filepath.Base(p), c.now[p].dir})
		}
	}
	return out, nil
}

func (c *crashFS) Rename(from, to string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("rename", from); err != nil {
		return err
	}
	if c.now[from].dir {
		// What is below moves along, and it is all on disk at once: no test loses
		// power here.
		for _, names := range []map[string]*node{c.now, c.disk} {
			for p, n := range maps.Clone(names) {
				if p == from || strings.HasPrefix(p, from+"/") {
					delete(names, p)
					names[to+strings.TrimPrefix(p, from)] = n
				}
			}
		}
		return nil
	}
	c.now[to] = c.now[from]
	delete(c.now, from)
	return nil
}

func (c *crashFS) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err := c.step("remove", name); err != nil {
		return err
	}
	delete(c.now, name)
	return nil
}

func (c *crashFS) SyncDir(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.step("syncdir", name); err != nil {
		return err
	}
	for p := range c.disk {
		if filepath.Dir(p) == name && c.now[p] == nil {
			delete(c.disk, p)
		}
	}
	for p, n := range c.now {
		if filepath.Dir(p) == name {
			c.disk[p] = n
		}
	}
	return nil
}

type crashFile struct {
	fs   *crashFS
	name string
	node *node
}

func (f *crashFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.step("write", f.name); err != nil {
		f.node.data = append(f.node.data, p[:len(p)/2]...)
		return len(p) / 2, err
	}
	f.node.data = append(f.node.data, p...)
	return len(p), nil
}

func (f *crashFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.step("sync", f.name); err != nil {
		f.node.lost = true
		return err
	}
	if !f.node.lost {
		f.node.synced = len(f.node.data)
	}
	return nil
}

func (f *crashFile) Close() error { return nil }

// reboot is the file system after a loss of power. fate decides over what was
// not synced: it says whether a piece survives.
func (c *crashFS) reboot(fate func() bool) *crashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := newCrashFS()
	names := maps.Clone(c.now)
	maps.Copy(names, c.disk)
	kept := map[*node]*node{}
	for _, p := range slices.Sorted(maps.Keys(names)) { // parents first
		n := c.disk[p]
		if c.now[p] != n && fate() {
			n = c.now[p]
		}
		if parent := out.now[filepath.Dir(p)]; n == nil || parent == nil || !parent.dir {
			continue
		}
		if kept[n] == nil {
			kept[n] = n.survive(fate)
		}
		out.now[p], out.disk[p] = kept[n], kept[n]
	}
	return out
}

func (n *node) survive(fate func() bool) *node {
	if n.dir || n.synced == len(n.data) {
		return &node{dir: n.dir, data: slices.Clone(n.data), synced: len(n.data)}
	}
	data := slices.Clone(n.data[:n.synced])
	if fate() { // the new length
		data = slices.Clone(n.data)
		for from := n.synced; from < len(data); {
			to := min(from/sector*sector+sector, len(data))
			if !fate() {
				clear(data[from:to])
			}
			from = to
		}
		if fate() { // of which the end was not reached
			data = data[:n.synced+(len(data)-n.synced)/2]
		}
	}
	return &node{data: data, synced: len(data)}
}

// count is the number of names.
func (c *crashFS) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.now)
}

func nothing() bool    { return false }
func everything() bool { return true }

func chance(seed uint64) func() bool {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() bool { return r.IntN(2) == 0 }
}

type entryInfo struct {
	name string
	dir  bool
}

func (e entryInfo) Name() string { return e.name }
func (e entryInfo) IsDir() bool  { return e.dir }
func (e entryInfo) Type() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}
func (e entryInfo) Info() (fs.FileInfo, error) { return e, nil }
func (e entryInfo) Size() int64                { return 0 }
func (e entryInfo) Mode() fs.FileMode          { return e.Type() }
func (e entryInfo) ModTime() time.Time         { return time.Time{} }
func (e entryInfo) Sys() any                   { return nil }
