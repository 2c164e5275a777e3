package cli

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/store"
)

type backupOptions struct {
	door  *door
	force bool
}

func backupCommand() *command {
	return &command{
		name: "backup", args: doorArgs + " [--force] [--json] FILE", short: "copy the durable state to a file",
		long: `Copies the state as it is at one moment, while the gateway serves, reads the copy
again and verifies it, and puts it in place as a whole (mode 0600): FILE is whole
or not there. "-" is standard output; a copy that is not whole ends with exit
code 1.

Keys of subscriptions are in it as digests, sealed as they are in the state. The
data keys are sealed by the key-encryption key; without one they are in it in
clear, and the file has to be guarded as the state directory is. The site, its
certificates and the audit log are files: copy them as such.

` + doorText + `

Role: operator.`,
		flags: func(fs *flag.FlagSet) any {
			o := &backupOptions{door: declareDoor(fs)}
			fs.BoolVar(&o.force, "force", false, "replace FILE where it is there")
			return o
		},
		examples: []entry{
			{"cloister backup --dir site /backup/cloister-$(date +%F)", "every night"},
			{"cloister backup --dir site - | age -r age1… >state.age", "sealed on the way; set -o pipefail in scripts"},
		},
		failed: "the copy is not whole, FILE is there or cannot be written, or it was refused",
		min:    1, max: 1, run: runBackup,
	}
}

func runBackup(ctx context.Context, env *Env, opt any, args []string) error {
	o, path := opt.(*backupOptions), args[0]
	if path != "-" {
		if err := o.free(path); err != nil {
			return err
		}
	} else if f, ok := env.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &usageError{"a backup is nothing for a terminal: give a FILE, or a pipe"}
	}
	return o.door.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
		if path == "-" {
			_, err := verifiedBackup(ctx, c, env.Stdout)
			return noRoom(err, "standard output")
		}
		info, err := o.write(ctx, c, path)
		switch {
		case err != nil:
			return err
		case o.door.json:
			return writeJSON(env.Stdout, info)
		}
		_, err = fmt.Fprintf(env.Stdout, "wrote %s\n%s", printed(path), backupText(info))
		return err
	})
}

// free says whether path may be written.
func (o *backupOptions) free(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if dir := filepath.Dir(path); !isDirectory(dir) {
			return mended(fmt.Errorf("there is no directory %s", dir), "make it, or choose another place")
		}
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return mended(fmt.Errorf("%s is a directory", path), "name a file in it")
	case !o.force:
		return mended(fmt.Errorf("%s is there already", path), "choose another name, or replace it with --force")
	}
	return nil
}

// write writes beside path and moves what is whole there.
func (o *backupOptions) write(ctx context.Context, c *admin.Client, path string) (*store.BackupInfo, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	var at *fs.PathError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("writing %s: %w", path, at.Err) // not the temporary name
	}
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = verifiedBackup(ctx, c, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, noRoom(err, path)
	}
	// What the disk holds counts, not what was sent to it.
	info, err := readBackup(f.Name())
	if err != nil {
		return nil, fmt.Errorf("reading %s again: %w", path, err)
	}
	if err := o.free(path); err != nil {
		return nil, err
	}
	return info, os.Rename(f.Name(), path)
}

// verifiedBackup copies a backup to w and verifies it on the way.
func verifiedBackup(ctx context.Context, c *admin.Client, w io.Writer) (*store.BackupInfo, error) {
	in, out := io.Pipe()
	type verdict struct {
		info *store.BackupInfo
		err  error
	}
	verdicts := make(chan verdict, 1)
	go func() {
		info, err := store.ReadBackup(in)
		io.Copy(io.Discard, in) // what follows is for w all the same
		verdicts <- verdict{info, err}
	}()
	err := c.Backup(ctx, io.MultiWriter(w, out))
	out.CloseWithError(err)
	v := <-verdicts
	if errors.Is(err, io.EOF) {
		return nil, mended(errors.New("the gateway broke off before the backup began"), "its log says why; cloister status says whether its database answers")
	}
	if err != nil {
		return nil, err // the reason of v.err too
	}
	return v.info, v.err
}

func readBackup(path string) (*store.BackupInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return store.ReadBackup(f)
}

// noRoom adds what helps against a disk that is full.
func noRoom(err error, path string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return mended(fmt.Errorf("%s: there is no room for it; nothing was left there", path), "make room, or choose another disk")
	}
	return err
}

// backupText says what a backup is, in lines.
func backupText(i *store.BackupInfo) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s %s\n", name, printed(fmt.Sprintf(format, args...)))
	}
	line("taken", "%s by cloister %s", i.CreatedAt.UTC().Format(time.RFC3339), cmp.Or(i.Version, "of a version that it does not name"))
	if i.Site != "" {
		line("site", "%s %s", i.Site, i.SiteDigest)
	}
	line("state", "%s, schema %d, revision %d, %s", i.Driver, i.Schema, i.Revision, count(i.Rows, "subscription"))
	if i.KEK != "" {
		line("sealed by", "%s", i.KEK)
	} else {
		line("sealed by", "nothing: it holds the data keys in clear")
	}
	if origin, size, root := checkpointOf(i.AuditCheckpoint); size != "" {
		line("audit log", "%s of %s, root %s", counted(size, "record"), origin, root)
	}
	for _, id := range i.Damaged {
		line("damaged", "%s: its row does not open, and is left out", id)
	}
	return b.String()
}

// checkpointOf reads the first lines of a checkpoint (c2sp.org/tlog-checkpoint)
// for people; it verifies nothing.
func checkpointOf(note []byte) (origin, size, root string) {
	lines := strings.SplitN(string(note), "\n", 4)
	if len(lines) < 4 {
		return "", "", ""
	}
	if b, err := base64.StdEncoding.DecodeString(lines[2]); err != nil || len(b) != 32 {
		return "", "", ""
	}
	return lines[0], lines[1], lines[2]
}
