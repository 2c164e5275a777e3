package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// markerName is the file that says which shared database a state directory
// belongs to. Without it an emptied database, or a mistyped name, would look
// like a new one, and callers whose keys were revoked like new callers.
const markerName = "shared"

const markerLimit = 64 << 10

type marker struct {
	Database string `json:"database"`
	// Fingerprint is of the digest key, which never changes.
	Fingerprint []byte `json:"fingerprint"`
}

// readMarker is nil where there is none.
func (s *Store) readMarker() (*marker, error) {
	b, err := readPrivateFile(s.dir, markerName, markerLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m marker
	if err := json.Unmarshal(b, &m); err != nil || len(m.Fingerprint) == 0 {
		return nil, &Error{Dir: s.dir, Reason: markerName + " is damaged", Mend: "remove it, if the shared database is the right one"}
	}
	return &m, nil
}

// mayBegin refuses to begin a new database where the directory shows that
// there is state, here or elsewhere.
func (s *Store) mayBegin() error {
	m, err := s.readMarker()
	if err != nil {
		return err
	}
	if m != nil {
		return s.belongsTo(m, s.d.place()+" is empty")
	}
	if s.d.name() == "sqlite" {
		return nil // its keyring tells
	}
	if _, err := os.Lstat(filepath.Join(s.dir, databaseFile)); !errors.Is(err, fs.ErrNotExist) {
		return s.fault("it is empty, and "+filepath.Join(s.dir, databaseFile)+" holds the state of an embedded one",
			"take a backup without state.postgres, restore it with it; to begin anew, move state.db and keyring away")
	}
	return nil
}

func (s *Store) belongsTo(m *marker, but string) *Error {
	return &Error{
		Dir: s.dir, Reason: fmt.Sprintf("it belongs to the shared database %s, and %s", m.Database, but),
		Mend: "set state.postgres to that database, or restore a backup; to begin anew, remove " + filepath.Join(s.dir, markerName),
	}
}

// mark holds an open store to the marker, or makes it. began: the database is
// a new one that was to be begun.
func (s *Store) mark(began bool) error {
	m, err := s.readMarker()
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, markerName)
	if s.d.name() == "sqlite" {
		switch {
		case m == nil:
			return nil
		case !began:
			return s.belongsTo(m, "state.postgres is not set")
		}
		return errors.Join(os.Remove(path), syncDir(s.dir))
	}
	now := &marker{Database: s.d.place(), Fingerprint: fingerprint(s.ring.Load().digest)}
	switch {
	case m != nil && !began && !bytes.Equal(m.Fingerprint, now.Fingerprint):
		return s.belongsTo(m, s.d.place()+" holds other state")
	case m != nil && m.Database == now.Database && bytes.Equal(m.Fingerprint, now.Fingerprint):
		return nil
	}
	b, err := json.Marshal(now)
	if err != nil {
		return err
	}
	// Of a process that was killed there may be one; it is written over.
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return cannotWrite(s.dir, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return cannotWrite(s.dir, err)
	}
	return syncDir(s.dir)
}
