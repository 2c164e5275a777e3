package audit_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/cloister-ai/cloister/internal/audit"
)

func split(t testing.TB, data []byte) (entries [][]byte) {
	t.Helper()
	for len(data) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, bytes.Clone(data[2:n]))
		data = data[n:]
	}
	return entries
}

func joinEntries(entries [][]byte) (data []byte) {
	for _, e := range entries {
		data = binary.BigEndian.AppendUint16(data, uint16(len(e)))
		data = append(data, e...)
	}
	return data
}

type tamper = func(t *testing.T, dir, signer string)

func bundle(name string, change func([][]byte) [][]byte) tamper {
	return func(t *testing.T, dir, _ string) {
		write(t, joinEntries(change(split(t, read(t, dir, name)))), dir, name)
	}
}

// edit turns a refusal into nothing of the kind.
func edit(name string, i int) tamper {
	return bundle(name, func(entries [][]byte) [][]byte {
		entries[i] = bytes.Replace(entries[i], []byte(`"allow"`), []byte(`"allOw"`), 1)
		return entries
	})
}

func swapBundles(t *testing.T, dir, _ string) {
	a, b := read(t, dir, fullBundle), read(t, dir, secondBundle)
	write(t, b, dir, fullBundle)
	write(t, a, dir, secondBundle)
}

func remove(name string) tamper {
	return func(t *testing.T, dir, _ string) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func cut(name string, n int) tamper {
	return func(t *testing.T, dir, _ string) {
		data := read(t, dir, name)
		write(t, data[:max(0, len(data)-n)], dir, name)
	}
}

func flip(name string) tamper {
	return func(t *testing.T, dir, _ string) {
		data := read(t, dir, name)
		data[len(data)/2] ^= 1
		write(t, data, dir, name)
	}
}

func replace(name, from, to string) tamper {
	return func(t *testing.T, dir, _ string) {
		data := read(t, dir, name)
		if !bytes.Contains(data, []byte(from)) {
			t.Fatalf("%s does not hold %q", name, from)
		}
		write(t, bytes.Replace(data, []byte(from), []byte(to), 1), dir, name)
	}
}

// editWithTile changes a record and its hash in the tile.
func editWithTile(t *testing.T, dir, signer string) {
	edit(fullBundle, 42)(t, dir, signer)
	entry := split(t, read(t, dir, fullBundle))[42]
	tile := read(t, dir, "tile/0/000")
	h := tlog.RecordHash(entry)
	copy(tile[42*tlog.HashSize:], h[:])
	write(t, tile, dir, "tile/0/000")
}

// editWithTiles goes on up to the highest tile.
func editWithTiles(t *testing.T, dir, signer string) {
	editWithTile(t, dir, signer)
	top := read(t, dir, "tile/1/000.p/2")
	h := perfect(read(t, dir, "tile/0/000"))
	copy(top, h[:])
	write(t, top, dir, "tile/1/000.p/2")
}

func perfect(data []byte) (h tlog.Hash) {
	if len(data) == tlog.HashSize {
		return tlog.Hash(data)
	}
	return tlog.NodeHash(perfect(data[:len(data)/2]), perfect(data[len(data)/2:]))
}

// resign writes a log of the attacker's: everything is consistent, but the key.
func resign(t *testing.T, dir, _ string) {
	signer, _, err := audit.NewKey(origin, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(signer)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(read(t, dir, "checkpoint")), "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, signed, dir, "checkpoint")
}

// putBack replaces the log by its own first 300 records, as an old backup
// would.
func putBack(t *testing.T, dir, signer string) {
	begin(t, dir, signer, func(i int) *audit.Record { return record(i) }, 300)
}

// forge is what an attacker with the signing key can do: another history of
// the same length.
func forge(t *testing.T, dir, signer string) {
	begin(t, dir, signer, func(i int) *audit.Record {
		r := record(i)
		r.Outcome = "deny"
		return r
	}, 600)
}

func begin(t *testing.T, dir, signer string, make func(int) *audit.Record, n int) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir, audit.Options{Key: signer})
	for i := range n {
		l.Append(make(i))
	}
	closeLog(t, l)
}

// TestPlainTree holds the log against the textbook: the same records in a tree
// that is built naively, hash by hash, and compared file by file.
func TestPlainTree(t *testing.T) {
	const size = 256*256 + 300
	dir, _ := sized(t, size)
	var stored hashes
	for e, err := range audit.Entries(dir, 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r, err := e.Record(); err != nil || r.RequestID != fmt.Sprint(e.Index) {
			t.Fatalf("record %d: %s %v", e.Index, e.Raw, err)
		}
		more, err := tlog.StoredHashes(int64(e.Index), e.Raw, stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s\n%d\n%s\n\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
	if got := read(t, dir, "checkpoint"); !strings.HasPrefix(string(got), want) {
		t.Errorf("checkpoint:\n%s\nwant:\n%s", got, want)
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			t.Fatal(err)
		}
		// The library's path has the height in front, which c2sp.org leaves out.
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		if got := read(t, dir, name); !bytes.Equal(got, want) {
			t.Errorf("%s differs", name)
		}
	}
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h[x]
	}
	return out, nil
}
