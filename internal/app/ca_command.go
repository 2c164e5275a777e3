package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// CAOptions are what [MakeCA] and [OpenCA] take from their surroundings. Neither
// takes the state: a gateway may have it.
type CAOptions struct {
	// Secrets is where the passphrase is looked up; SiteDir is set from the site.
	Secrets secret.Env
	// Log is for the operator; nil: nothing is logged.
	Log *slog.Logger
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Development accepts a vault of the emulator.
	Development bool
}

// NoCAError says that a site has no CA of its own.
type NoCAError struct{ Dir string }

func (e *NoCAError) Error() string { return fmt.Sprintf("there is no authority in %s", e.Dir) }

// MakeCA makes the site's own CA. Where the site encrypts its state, the CA's key
// is sealed before it is written.
func MakeCA(ctx context.Context, s *site.Site, ca issue.Options, opt CAOptions) (*issue.CA, error) {
	kek, err := opt.keyEncryption(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("sealing the key of the site's own CA: %w", err)
	}
	return issue.InitSealedCA(ctx, CADirectory(s), ca, kek)
}

// OpenCA opens the site's own CA. Without one the error is a [*NoCAError]. The
// key-encryption key is asked where the CA's key is sealed.
func OpenCA(ctx context.Context, s *site.Site, opt CAOptions) (*issue.CA, error) {
	dir := CADirectory(s)
	if _, err := os.Lstat(filepath.Join(dir, issue.CertificateFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, &NoCAError{Dir: dir}
	}
	files, err := issue.ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	var kek store.KeyEncryption
	if !files.InClear() {
		if kek, err = opt.keyEncryption(ctx, s); err != nil {
			return nil, fmt.Errorf("opening the key of the site's own CA: %w", err)
		}
	}
	return files.Open(ctx, kek, issue.LoadOptions{Now: opt.Now})
}

// keyEncryption is the key that the site names; nil: none.
func (opt CAOptions) keyEncryption(ctx context.Context, s *site.Site) (store.KeyEncryption, error) {
	if s.Config.State.Encryption == nil {
		return nil, nil
	}
	at := surroundings{secrets: opt.Secrets, now: nowOr(opt.Now), log: logOr(opt.Log), development: opt.Development, detached: true}
	at.secrets.SiteDir = s.Dir
	dialer, err := bootDialer(s, at)
	if err != nil {
		return nil, err
	}
	kek, _, err := keyEncryption(ctx, s, dialer, at)
	return kek, err
}
