package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// locate finds which records are not those that were signed. It asks the tiles,
// as far as they lead up to the signed root: a tile that was changed together
// with its records gives itself away one level higher.
func (c *verification) locate() {
	signed := tlog.TileHashReader(c.at.tree(), tileReader{c.files, c.dir})
	before := len(c.report.Problems)
	blind := false
	for n := uint64(0); n*tileWidth < c.at.size && len(c.report.Problems) < maxProblems; n++ {
		full := n < uint64(len(c.blocks))
		if full {
			h, err := signed.ReadHashes([]int64{tlog.StoredHashIndex(tileHeight, int64(n))})
			if err != nil {
				blind = true
				continue
			}
			if h[0] == c.blocks[n] {
				continue
			}
		}
		if !c.locateIn(signed, n, full) {
			blind = true
		}
	}
	if blind || len(c.report.Problems) == before {
		c.problem(tileDir, -1, "the records do not have the root that the checkpoint signs: some were changed, removed or put elsewhere; "+
			"which of them cannot be told where the tiles above them were changed as well")
	}
}

// locateIn finds the first record of a bundle that is not what was signed;
// wrong says that there is one. It returns false where nothing can be told.
func (c *verification) locateIn(signed tlog.HashReader, n uint64, wrong bool) bool {
	first, o := n*tileWidth, objectAt(c.at.size, entryLevel, n)
	indexes := make([]int64, 0, tileWidth)
	for i := range o.width {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(first)+int64(i)))
	}
	hashes, err := signed.ReadHashes(indexes)
	if err != nil && !wrong {
		return false
	}
	if err != nil {
		c.problem(o.path(), int64(first), fmt.Sprintf("this record or one of the next %d is not what was written; their tile was changed as well", o.width-1))
		return true
	}
	data, err := o.read(c.files, c.dir)
	if err != nil {
		return true // reported when it was first read
	}
	entries, _ := splitBundle(data, o.width) // likewise
	for i, entry := range entries {
		if c.tree.leafHash(entry) != hashes[i] {
			c.problem(o.path(), int64(first)+int64(i), "it is not what was written")
			break
		}
	}
	return true
}
