package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileWidth  = 256 // hashes of a tile, records of a bundle
	tileHeight = 8   // levels of the tree in a tile
	// entryLevel is the level of bundles, which stand beside the tiles.
	entryLevel = -1
)

// object is a file below tile/: hashes of a level, or records.
type object struct {
	level int
	n     uint64
	// width is below tileWidth for a partial tile.
	width int
	data  []byte
}

// path is the object's name in the log's directory, by c2sp.org/tlog-tiles.
func (o object) path() string {
	p := o.base()
	if o.width < tileWidth {
		p += ".p/" + strconv.Itoa(o.width)
	}
	return p
}

// base is the path of the full object.
func (o object) base() string {
	level := "entries"
	if o.level != entryLevel {
		level = strconv.Itoa(o.level)
	}
	n, name := o.n, fmt.Sprintf("%03d", o.n%1000)
	for n >= 1000 {
		n /= 1000
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	return "tile/" + level + "/" + name
}

// objectAt is the object that holds hash i of a level in a tree of a size.
func objectAt(size uint64, level int, n uint64) object {
	shift := 0
	if level != entryLevel {
		shift = tileHeight * level
	}
	return object{level: level, n: n, width: int(min(size>>shift-n*tileWidth, tileWidth))}
}

// read reads the object. Where a partial one is gone, the full one holds it.
func (o object) read(files FS, dir string) ([]byte, error) {
	data, err := files.ReadFile(join(dir, o.path()))
	if err == nil || o.width == tileWidth || !isNotExist(err) {
		return data, err
	}
	full, fullErr := files.ReadFile(join(dir, o.base()))
	if fullErr != nil {
		return nil, err
	}
	if o.level == entryLevel {
		return cutBundle(full, o.width)
	}
	return full[:min(len(full), o.width*tlog.HashSize)], nil
}

// readHashes reads a tile and sees that it has the length of one.
func (o object) readHashes(files FS, dir string) ([]byte, error) {
	data, err := o.read(files, dir)
	if err == nil && len(data) != o.width*tlog.HashSize {
		err = fmt.Errorf("%s has %d bytes, not %d", o.path(), len(data), o.width*tlog.HashSize)
	}
	return data, err
}

func hashAt(data []byte, i int) (h tlog.Hash) {
	copy(h[:], data[i*tlog.HashSize:])
	return h
}

// rowHash is the root of the perfect tree over the hashes in data, of which
// there is a power of two.
func rowHash(data []byte) tlog.Hash {
	n := len(data) / tlog.HashSize
	if n == 1 {
		return hashAt(data, 0)
	}
	half := n / 2 * tlog.HashSize
	return tlog.NodeHash(rowHash(data[:half]), rowHash(data[half:]))
}

var errBundle = errors.New("it ends in the middle of a record")

// nextEntry takes a record off a bundle: two bytes of length, then the record.
func nextEntry(data []byte) (entry, rest []byte, err error) {
	if len(data) < 2 {
		return nil, nil, errBundle
	}
	n := int(binary.BigEndian.Uint16(data))
	if len(data) < 2+n {
		return nil, nil, errBundle
	}
	return data[2 : 2+n], data[2+n:], nil
}

// cutBundle is the beginning of a bundle that holds n records.
func cutBundle(data []byte, n int) ([]byte, error) {
	rest := data
	for range n {
		var err error
		if _, rest, err = nextEntry(rest); err != nil {
			return nil, err
		}
	}
	return data[:len(data)-len(rest)], nil
}

// splitBundle takes a bundle of n records apart. Up to the first mistake it
// returns the records that are there.
func splitBundle(data []byte, n int) ([][]byte, error) {
	entries := make([][]byte, 0, n)
	for range n {
		entry, rest, err := nextEntry(data)
		if err != nil {
			return entries, err
		}
		entries, data = append(entries, entry), rest
	}
	if len(data) > 0 {
		return entries, fmt.Errorf("%d bytes follow its last record", len(data))
	}
	return entries, nil
}
