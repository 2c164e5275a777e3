package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloister-ai/cloister/internal/telemetry"
)

// checkAccessLog warns of an access log that this user could not write to now:
// the gateway may run as another, elsewhere or later. It makes nothing.
func (b *built) checkAccessLog() {
	name := b.site.Config.Telemetry.AccessLog
	if name == "" || name == telemetry.SinkStdout || name == telemetry.SinkStderr {
		return
	}
	warn := func(mend, format string, args ...any) {
		b.problems.Warn(placeOf(b.site, "telemetry.accessLog"), "access-log", mend, format, args...)
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.site.Dir, filepath.FromSlash(path))
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		warn("name a file in it", "the access log %q is a directory", name)
	case err == nil && !mayWrite(path):
		warn("run the gateway as the user to whom the file belongs, or give it to the gateway's user", "this user may not write to the access log %q", name)
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		warn("", "the access log %q cannot be opened: %v", name, err)
	case !isDir(dir):
		warn("make the directory, for the gateway's user: mkdir -p "+shellPath(dir), "there is no directory for the access log %q", name)
	case !mayMake(dir):
		warn("give the directory to the gateway's user", "this user may not make the access log %q", name)
	}
}
