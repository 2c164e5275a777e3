//go:build !unix

package secret

import (
	"io/fs"
	"os"
)

const openNoWait = 0

// othersHaveAccess cannot tell: access lists are not in a file's mode here.
func othersHaveAccess(fs.FileInfo) string { return "" }

// keepOwner has nothing to do: new files inherit the directory's access list.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncDir has nothing to do: directories cannot be opened for that here.
func syncDir(string) error { return nil }
