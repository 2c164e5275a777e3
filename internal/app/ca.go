package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// CADirectory is where the site's own certificate authority lives: in the
// state directory, because a site holds no secret in clear.
func CADirectory(s *site.Site) string { return filepath.Join(stateDir(s), "ca") }

// authority is the site's own CA in a process that owns the state. It keeps the
// CA open for as long as its files are what they were: a key-encryption key is
// slow, or a call to a vault.
type authority struct {
	dir string
	now func() time.Time
	log *slog.Logger

	// mu is held by who reads the files or writes them.
	mu sync.Mutex
	// kek seals the CA's key, as it seals the keyring; nil: it lies in clear.
	kek store.KeyEncryption
	// files are what open was opened from; nil: it was not yet.
	files *issue.Files
	open  *issue.CA
}

func newAuthority(s *site.Site, kek store.KeyEncryption, at surroundings) *authority {
	return &authority{dir: CADirectory(s), now: at.now, log: logOr(at.log), kek: kek}
}

// get is the CA in files. Offline, one whose key was not opened yet is a
// stand-in, which judges and signs nothing that counts.
func (a *authority) get(files *issue.Files, offline bool) (*issue.CA, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if offline && a.kek != nil && !files.InClear() && (a.files == nil || !a.files.Same(files)) {
		return files.StandIn(issue.LoadOptions{Now: a.now})
	}
	return a.opened(context.Background(), files) // a key-encryption key bounds itself
}

// opened is the CA in files; mu is held.
func (a *authority) opened(ctx context.Context, files *issue.Files) (*issue.CA, error) {
	if a.files != nil && a.files.Same(files) {
		return a.open, nil
	}
	ca, err := files.Open(ctx, a.kek, issue.LoadOptions{Now: a.now})
	if err == nil {
		a.files, a.open = files, ca
	}
	return ca, err
}

// read are the files of the CA; nil: there is none.
func (a *authority) read() (*issue.Files, error) {
	files, err := issue.ReadFiles(a.dir)
	if _, missing := os.Lstat(filepath.Join(a.dir, issue.CertificateFile)); errors.Is(missing, fs.ErrNotExist) {
		return nil, nil
	}
	return files, err
}

// settle brings the CA's key into the form that the site asks for, where it is
// in another: in clear since before there was a key-encryption key, or in two
// forms, since a crash while one took the place of another. A CA that cannot be
// used is left alone: a hostname that needs it says so.
func (a *authority) settle(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	files, err := a.read()
	if files == nil && err == nil {
		return nil
	}
	var ca *issue.CA
	if err == nil {
		if err := files.RemoveLeftover(); err != nil {
			return err
		}
		if files.Settled(a.kek) || a.kek == nil && !files.InClear() {
			return nil
		}
		ca, err = a.opened(ctx, files)
	}
	if err != nil {
		a.log.Warn("the site's own CA cannot be used; its key stays as it is", "error", err)
		return nil
	}
	return a.put(ctx, files, ca)
}

// put has the key lie as kek seals it now, and in no other form; mu is held.
func (a *authority) put(ctx context.Context, files *issue.Files, ca *issue.CA) error {
	next, err := files.With(ctx, ca, a.kek)
	if err != nil {
		return err
	}
	next = next.Only(a.kek)
	if err := next.Write(); err != nil {
		return err
	}
	a.files, a.open = next, ca
	switch {
	case a.kek == nil:
		a.log.Info("the key of the site's own CA lies in clear alone now", "directory", a.dir)
	case files.InClear():
		a.log.Warn("the key of the site's own CA lay in clear and is sealed now; whoever copied it before has it: make another CA where that may be",
			"directory", a.dir, "key", a.kek.ID())
	default:
		a.log.Info("the key of the site's own CA is sealed anew", "directory", a.dir, "key", a.kek.ID())
	}
	return nil
}

// reseal has the newest version of the key-encryption key seal the CA's key.
func (a *authority) reseal(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kek == nil {
		return nil
	}
	files, err := a.read()
	if err != nil || files == nil {
		return err
	}
	ca, err := a.opened(ctx, files)
	if err != nil {
		return err
	}
	return a.put(ctx, files, ca)
}

// change puts another key-encryption key, nil: none, in the place of the one in
// force. keyring does so for the keyring. The CA's key lies in both forms from
// before that until after, so that a crash leaves the two files to be opened by
// one key, whichever that is.
func (a *authority) change(ctx context.Context, kek store.KeyEncryption, keyring func(context.Context, store.KeyEncryption) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	was, err := a.read()
	if err != nil {
		return err
	}
	if was == nil {
		if err = keyring(ctx, kek); err == nil {
			a.kek = kek
		}
		return err
	}
	ca, err := a.opened(ctx, was)
	if err != nil {
		return err
	}
	both, err := was.With(ctx, ca, kek)
	if err == nil {
		err = both.Write()
	}
	if err != nil {
		return err
	}
	a.files = both
	if err := keyring(ctx, kek); err != nil {
		var uncertain *store.UncertainError
		if errors.As(err, &uncertain) {
			return err // either may have to open it: the next start or reload settles
		}
		return errors.Join(err, a.back(was))
	}
	next := both.Only(kek)
	if err := next.Write(); err != nil {
		if undo := keyring(ctx, a.kek); undo != nil {
			return errors.Join(err, fmt.Errorf("and the keyring stays under the new key: %w", undo))
		}
		return errors.Join(err, a.back(was))
	}
	a.kek, a.files = kek, next
	return nil
}

// back undoes a change; what it cannot undo opens by the key of before as well.
func (a *authority) back(was *issue.Files) error {
	err := was.Write()
	if err == nil {
		a.files = was
	}
	return err
}
