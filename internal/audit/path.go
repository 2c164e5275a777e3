package audit

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
)

// The names in a log's directory.
const (
	checkpointFile = "checkpoint"
	verifierFile   = "audit.pub"
	journalDir     = "journal"
	tileDir        = "tile"
)

func join(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
