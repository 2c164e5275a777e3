package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the right edge of the Merkle tree (RFC 6962), all that is needed to
// add records: memory does not grow with the log.
type tree struct {
	size uint64
	// sub has, for each bit of size, the root of that perfect subtree.
	sub [64]tlog.Hash
	// rows are the unfinished tiles, one for each level of tiles. They are only
	// appended to, so that a snapshot may go on reading what it has.
	rows [8][]byte
	// bundle holds the records of the unfinished bundle, likewise.
	bundle []byte
	// full are the finished objects that no snapshot has taken yet.
	full []object
	sha  hash.Hash
	leaf tlog.Hash
}

func newTree() *tree { return &tree{sha: sha256.New()} }

var leafPrefix = []byte{0}

// leafHash is tlog.RecordHash with a hash that is used again.
func (t *tree) leafHash(entry []byte) tlog.Hash {
	t.sha.Reset()
	t.sha.Write(leafPrefix)
	t.sha.Write(entry)
	t.sha.Sum(t.leaf[:0])
	return t.leaf
}

// add appends a record.
func (t *tree) add(entry []byte) {
	t.bundle = binary.BigEndian.AppendUint16(t.bundle, uint16(len(entry)))
	t.bundle = append(t.bundle, entry...)
	n := t.size
	t.addLeaf(t.leafHash(entry))
	if t.size%tileWidth == 0 {
		t.full = append(t.full, object{entryLevel, n / tileWidth, tileWidth, t.bundle})
		t.bundle = make([]byte, 0, len(t.bundle)+len(t.bundle)/8)
	}
}

// addLeaf appends the hash of a record.
func (t *tree) addLeaf(h tlog.Hash) {
	n := t.size
	t.size++
	for level := 0; ; level++ {
		if level%tileHeight == 0 {
			t.addToTile(level/tileHeight, n>>level, h)
		}
		if n>>level&1 == 0 {
			t.sub[level] = h
			return
		}
		h = tlog.NodeHash(t.sub[level], h)
	}
}

// addToTile appends the hash with index n of a level of tiles.
func (t *tree) addToTile(level int, n uint64, h tlog.Hash) {
	row := append(t.rows[level], h[:]...)
	if len(row) < tileWidth*tlog.HashSize {
		t.rows[level] = row
		return
	}
	t.full = append(t.full, object{level, n / tileWidth, tileWidth, row})
	t.rows[level] = make([]byte, 0, tileWidth*tlog.HashSize)
}

// root is the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	var h tlog.Hash
	for level, first := 0, true; t.size>>level != 0; level++ {
		switch {
		case t.size>>level&1 == 0:
		case first:
			h, first = t.sub[level], false
		default:
			h = tlog.NodeHash(t.sub[level], h)
		}
	}
	return h
}

// partials are the unfinished objects of a tree.
func partials(size uint64, rows [8][]byte, bundle []byte) []object {
	var out []object
	if len(bundle) > 0 {
		out = append(out, object{entryLevel, size / tileWidth, int(size % tileWidth), bundle})
	}
	for level, row := range rows {
		if len(row) > 0 {
			n := size >> (tileHeight * level)
			out = append(out, object{level, n / tileWidth, int(n % tileWidth), row})
		}
	}
	return out
}

// loadTree reads the right edge of a published log and holds it against the
// signed root.
func loadTree(files FS, dir string, at head) (*tree, error) {
	t := newTree()
	t.size = at.size
	for level := range t.rows {
		n := at.size >> (tileHeight * level)
		if n%tileWidth == 0 {
			continue
		}
		o := objectAt(at.size, level, n/tileWidth)
		row, err := o.readHashes(files, dir)
		if err != nil {
			return nil, damaged(dir, "a tile of its newest part cannot be used", err)
		}
		t.rows[level] = slices.Clone(row)
		t.setSubtrees(level, row)
	}
	if t.root() != at.root {
		return nil, damaged(dir, "the tiles of its newest part do not have the root that its checkpoint signs", nil)
	}
	return t, t.loadBundle(files, dir)
}

// setSubtrees finds the subtrees of a tile's level in its hashes.
func (t *tree) setSubtrees(level int, row []byte) {
	for i := tileHeight - 1; i >= 0; i-- {
		if n := tlog.HashSize << i; len(row)&n != 0 {
			t.sub[tileHeight*level+i] = rowHash(row[:n])
			row = row[n:]
		}
	}
}

func (t *tree) loadBundle(files FS, dir string) error {
	if t.size%tileWidth == 0 {
		return nil
	}
	o := objectAt(t.size, entryLevel, t.size/tileWidth)
	data, err := o.read(files, dir)
	if err != nil {
		return damaged(dir, "its newest records cannot be used", err)
	}
	entries, err := splitBundle(data, o.width)
	if err != nil {
		return damaged(dir, o.path()+" is damaged", err)
	}
	for i, entry := range entries {
		if t.leafHash(entry) != hashAt(t.rows[0], i) {
			return damaged(dir, "record "+utoa(o.n*tileWidth+uint64(i))+" is not what was written", nil)
		}
	}
	t.bundle = slices.Clone(data)
	return nil
}
