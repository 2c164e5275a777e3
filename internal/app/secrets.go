package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// checkSecrets reads what backends and named values refer to, so that what
// cannot be read is reported once, where the reference stands. Keys of
// subscriptions are read where their digests are made.
func (b *built) checkSecrets(at surroundings) {
	check := func(ref *site.SecretRef, format string, args ...any) {
		if ref == nil {
			return
		}
		if _, err := secret.Resolve(ref, at.secrets); err != nil {
			b.secretProblem(ref.Pos, err, format, args...)
			b.unreadable = append(b.unreadable, err.Error())
		}
	}
	for _, n := range b.site.Service.NamedValues {
		check(n.Ref, "the named value %q", n.Name)
	}
	cfg := b.site.Config
	if cfg.State.Postgres != nil {
		check(cfg.State.Postgres.Password, "the password of state.postgres")
	}
	if e := cfg.State.Encryption; e != nil && e.KeyFile != nil {
		check(e.KeyFile.Passphrase, "the passphrase of state.encryption.keyFile")
	}
	if cfg.Audit.Witness != nil {
		check(cfg.Audit.Witness.Token, "the token of audit.witness")
	}
	for _, id := range slices.Sorted(maps.Keys(b.site.Config.Backends)) {
		credential := b.site.Config.Backends[id].Credential
		if k := credential.APIKey; k != nil {
			check(k.Key, "the API key of backend %q", id)
		}
		if c := credential.ClientSecret; c != nil {
			check(c.Secret, "the client secret of backend %q", id)
		}
	}
}

// add takes the problems of another room, without those that say again that a
// secret cannot be read.
func (b *built) add(ps site.Problems) {
	for _, p := range ps {
		again := func(text string) bool { return strings.Contains(p.Message, text) }
		if !slices.ContainsFunc(b.unreadable, again) {
			b.problems = append(b.problems, p)
		}
	}
}

// secretProblem is a secret that could not be read, in the words of its error.
func (b *built) secretProblem(pos site.Pos, err error, format string, args ...any) {
	mend := ""
	var se *secret.Error
	if errors.As(err, &se) {
		mend = se.Mend
	}
	var missing *fs.PathError
	if mend == "" && errors.Is(err, fs.ErrNotExist) && errors.As(err, &missing) {
		mend = "write it, Ctrl-D ends: (umask 077; cat > " + shellPath(missing.Path) + ")"
		if dir := filepath.Dir(missing.Path); !isDir(dir) {
			mend = "write it, Ctrl-D ends: (umask 077; mkdir -p " + shellPath(dir) + " && cat > " + shellPath(missing.Path) + ")"
		}
	}
	b.problems.Add(pos, "secret-unreadable", "a secret that can be read", mend, "%s: %v", fmt.Sprintf(format, args...), err)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
