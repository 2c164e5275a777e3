package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is what the log needs of a file system. Names are those of package os.
// Tests inject one that loses power.
type FS interface {
	// MkdirAll makes a directory and its parents with mode 0700.
	MkdirAll(name string) error
	// Create makes a file with mode 0600; it is an error when it exists.
	Create(name string) (File, error)
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(name string) error
}

// File is a file that is written from its beginning on.
type File interface {
	io.WriteCloser
	// Sync makes what was written durable, its length included.
	Sync() error
}

type osFS struct{}

func (osFS) MkdirAll(name string) error                 { return os.MkdirAll(name, 0o700) }
func (osFS) ReadFile(name string) ([]byte, error)       { return os.ReadFile(name) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (osFS) Rename(from, to string) error               { return os.Rename(from, to) }
func (osFS) Remove(name string) error                   { return os.Remove(name) }
func (osFS) SyncDir(name string) error                  { return syncDir(name) }

func (osFS) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncData(f.File) }

// writeFile writes a file, which replaces one that is there. The file it
// returns, an error or not, is the caller's to flush and close.
func writeFile(files FS, name string, data []byte) (File, error) {
	if err := files.Remove(name); err != nil && !isNotExist(err) {
		return nil, err
	}
	f, err := files.Create(name)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	return f, err
}

// writeNew writes a file and makes its content durable; its name becomes so
// with the next SyncDir. A file that is there is replaced.
func writeNew(files FS, name string, data []byte) error {
	f, err := writeFile(files, name, data)
	if f == nil {
		return err
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// replaceFile replaces a file in one step: after a loss of power it holds the
// old content or the new.
func replaceFile(files FS, dir, name string, data []byte) error {
	path := join(dir, name)
	if err := writeNew(files, path+".tmp", data); err != nil {
		return err
	}
	if err := files.Rename(path+".tmp", path); err != nil {
		return err
	}
	return files.SyncDir(dir)
}

// makeDurable makes a directory that survives a loss of power. A process that
// was killed may have made it, or a parent, without making its name durable:
// so every name on the way is flushed, as far as this user may.
func makeDurable(files FS, dir string) error {
	if err := files.MkdirAll(dir); err != nil {
		return err
	}
	err := files.SyncDir(filepath.Dir(dir))
	for parent := filepath.Dir(dir); err == nil && parent != filepath.Dir(parent); parent = filepath.Dir(parent) {
		if up := files.SyncDir(filepath.Dir(parent)); up != nil && !errors.Is(up, fs.ErrPermission) {
			err = up
		}
	}
	return err
}
