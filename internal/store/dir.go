package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// prepareDir makes dir, or sees that it is fit for secrets. An empty
// directory of ours is closed to others; one that holds something is left as
// it is and refused, because a mistyped path may be somebody else's.
func prepareDir(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return cannotWrite(dir, err)
		}
		info, err = os.Stat(dir)
	}
	if err != nil {
		return &Error{Dir: dir, Reason: "it cannot be examined: " + err.Error(), Err: err}
	}
	if !info.IsDir() {
		return &Error{Dir: dir, Reason: "it is not a directory"}
	}
	if uid, me := owner(info), os.Geteuid(); uid != me {
		return &Error{
			Dir:    dir,
			Reason: fmt.Sprintf("it belongs to user %d, and this process runs as user %d", uid, me),
			Mend:   fmt.Sprintf("run as user %d, or name a directory that this user may make", uid),
		}
	}
	if !othersMay(info.Mode()) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return &Error{Dir: dir, Reason: "it cannot be read: " + err.Error(), Err: err}
	}
	if len(entries) > 0 {
		return &Error{
			Dir:    dir,
			Reason: fmt.Sprintf("others have access to it (mode %04o)", info.Mode().Perm()),
			Mend:   "chmod 700 " + dir,
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return cannotWrite(dir, err)
	}
	return nil
}

func cannotWrite(dir string, err error) error {
	return &Error{
		Dir: dir, Reason: "it cannot be written: " + err.Error(),
		Mend: "make it writable for this user", Err: err,
	}
}

// makePrivateFile makes an empty file where there is none, so that SQLite
// does not make it with the process's umask; its -wal and -shm inherit.
func makePrivateFile(dir, path string) error {
	f, err := openNoFollow(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return cannotWrite(dir, err)
	}
	defer func() { _ = f.Close() }()
	return checkPrivate(dir, path, f)
}

func checkPrivate(dir, path string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return &Error{Dir: dir, Reason: path + " cannot be examined: " + err.Error(), Err: err}
	}
	if !info.Mode().IsRegular() {
		return &Error{Dir: dir, Reason: path + " is not a regular file"}
	}
	if perm := info.Mode().Perm(); othersMay(perm) {
		return &Error{
			Dir:    dir,
			Reason: fmt.Sprintf("others have access to %s (mode %04o)", path, perm),
			Mend:   "chmod 600 " + path,
		}
	}
	return nil
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	if err := flushDir(dir); err != nil {
		return &Error{Dir: dir, Reason: "it cannot be flushed to disk: " + err.Error(), Err: err}
	}
	return nil
}

// readPrivateFile reads a file of at most limit bytes; one byte more says that
// there is more. Its error is [fs.ErrNotExist] where there is none.
func readPrivateFile(dir, name string, limit int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	f, err := openNoFollow(path, os.O_RDONLY)
	if err != nil {
		return nil, &Error{Dir: dir, Reason: name + " cannot be opened: " + err.Error(), Err: err}
	}
	defer func() { _ = f.Close() }()
	if err := checkPrivate(dir, path, f); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, &Error{Dir: dir, Reason: name + " cannot be read: " + err.Error(), Err: err}
	}
	return b, nil
}
