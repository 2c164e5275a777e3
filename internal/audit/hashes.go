package audit

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// tileReader gives tlog the tiles of a directory.
type tileReader struct {
	files FS
	dir   string
}

func (r tileReader) Height() int { return tileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, 0, len(tiles))
	for _, t := range tiles {
		data, err := object{t.L, uint64(t.N), t.W, nil}.readHashes(r.files, r.dir)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// rootAt is the root of the first size records of a published log. The hashes
// that it is made of are held against the log's own root.
func rootAt(files FS, dir string, at head, size uint64) (tlog.Hash, error) {
	if size > at.size {
		return tlog.Hash{}, errors.New("the log has not so many records")
	}
	h, err := tlog.TreeHash(int64(size), tlog.TileHashReader(at.tree(), tileReader{files, dir}))
	if err != nil {
		return h, fmt.Errorf("the root of the first %d records: %w", size, err)
	}
	return h, nil
}
