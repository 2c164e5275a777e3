package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

const (
	auditDir     = "audit"
	auditKeyFile = "audit.key"
	// auditKeyPurpose is what the sealed key of the audit log is bound to.
	auditKeyPurpose = "audit-key"

	defaultVaultInterval = 5 * time.Minute
	defaultStaleAfter    = 5 * time.Second
	defaultWitnessEvery  = 10 * time.Second
)

func durationOr(d site.Duration, or time.Duration) time.Duration {
	if d <= 0 {
		return or
	}
	return time.Duration(d)
}

// state is the durable state of one site: the store and the audit log. Whoever
// has it owns the state directory.
type state struct {
	site  *site.Site
	dir   string
	store *store.Store
	audit *audit.Log
	ca    *authority
	// version is that of the program, for backups.
	version string
	// verifier is the audit log's verifier key.
	verifier string
	log      *slog.Logger
	// rolledBack is why the audit log is not written: the state is looked at,
	// and a witness has seen a later one. Nil: it is written.
	rolledBack error
}

// stateOptions are what opening takes from its surroundings.
type stateOptions struct {
	at surroundings
	// dialer is the one in force; it is asked at every connection.
	dialer func() *egress.Dialer
	// acceptOlder goes on with a state that is known to be older than what was
	// acknowledged.
	acceptOlder bool
	// look opens a restored state that nobody has accepted: what is in it can be
	// seen and changed, and is served to nobody.
	look bool
	// patience is how long the directory may be another's before that is an
	// error.
	patience time.Duration
	// predecessor begins a new audit log, after a restore.
	predecessor *audit.Predecessor
}

// OlderStateError says that the state was restored from a backup or edited by
// somebody else than a gateway, and that nobody has accepted what was lost by
// that.
type OlderStateError struct {
	Dir    string
	Backup *store.BackupInfo
}

func (e *OlderStateError) Error() string {
	return fmt.Sprintf("state directory %s: it was %s: keys that were deleted, suspended or rotated since then would open again; "+
		"mend: look at \"cloister subscription list\", then start once with --accept-older-state",
		e.Dir, whyOlder(e.Backup))
}

// maxHeld is how much the records take that wait for disk: an eighth of the
// memory, which may be twice that while a batch is being written, and no more
// than the log's default.
func maxHeld(s *site.Site) int {
	memory, _ := limit.MemoryLimit(limit.SystemOptions{MemoryBytes: s.Config.Limits.MemoryBytes})
	return int(min(memory/8, audit.DefaultMaxHeld))
}

// whyOlder is what has happened to a state that is older than what was
// acknowledged.
func whyOlder(b *store.BackupInfo) string {
	if b.Edited != "" {
		return "edited by somebody else than a gateway (" + b.Edited + ")"
	}
	return "restored from the backup of " + b.CreatedAt.UTC().Format(time.RFC3339)
}

// openStore opens the store of a site.
func openStore(ctx context.Context, s *site.Site, opt stateOptions) (*state, error) {
	options, err := storeOptions(ctx, s, opt)
	if err != nil {
		return nil, err
	}
	st := &state{site: s, dir: stateDir(s), ca: newAuthority(s, options.KEK, opt.at), log: opt.at.log}
	st.store, err = store.Open(ctx, st.dir, options)
	// A command that looks at the directory has it for a moment.
	var locked *store.LockedError
	for end := time.Now().Add(opt.patience); errors.As(err, &locked) && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		st.store, err = store.Open(ctx, st.dir, options)
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// storeOptions is where the site's state lies and what seals it.
func storeOptions(ctx context.Context, s *site.Site, opt stateOptions) (store.Options, error) {
	out := store.Options{Now: opt.at.now, Log: opt.at.log}
	kek, env, err := keyEncryption(ctx, s, opt.dialer(), opt.at)
	if err != nil {
		return out, err
	}
	out.KEK, opt.at.secrets = kek, env
	if s.Config.State.Postgres != nil {
		if out.Postgres, err = postgresOf(s, opt); err != nil {
			return out, fmt.Errorf("state.postgres: %w", err)
		}
	}
	return out, nil
}

// keyEncryption opens the key-encryption key that a site names; nil: it names
// none. What opens the state may lie in a vault itself: the environment that is
// returned reads there.
func keyEncryption(ctx context.Context, s *site.Site, dialer *egress.Dialer, at surroundings) (store.KeyEncryption, secret.Env, error) {
	e := s.Config.State.Encryption
	var vaults *secret.Vaults
	if usesVaults(s) || e != nil && e.KeyVault != nil {
		var err error
		if vaults, err = newVaults(s, dialer, at); err != nil {
			return nil, at.secrets, err
		}
		at.secrets.KeyVault = vaults
	}
	switch {
	case e != nil && e.KeyVault != nil:
		key, err := vaults.OpenKey(ctx, e.KeyVault.Key)
		if err != nil {
			return nil, at.secrets, fmt.Errorf("state.encryption.keyVault: %w", err)
		}
		return key, at.secrets, nil
	case e != nil && e.KeyFile != nil:
		key, err := openKeyFile(s, e.KeyFile, at.secrets)
		if err != nil {
			return nil, at.secrets, fmt.Errorf("state.encryption.keyFile: %w", err)
		}
		return key, at.secrets, nil
	}
	return nil, at.secrets, nil
}

func openKeyFile(s *site.Site, f *site.KeyFile, env secret.Env) (*secret.KeyFile, error) {
	passphrase, err := secret.Resolve(f.Passphrase, env)
	if err != nil {
		return nil, err
	}
	path := f.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, filepath.FromSlash(path))
	}
	return secret.OpenKeyFile(path, passphrase, rand.Reader)
}

// postgresOf is the way to the shared database, by the dialer in force.
func postgresOf(s *site.Site, opt stateOptions) (*store.Postgres, error) {
	cfg := s.Config.State.Postgres
	pg := &store.Postgres{
		Host: cfg.Host, Port: cfg.Port, Database: cfg.Database, User: cfg.User,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return opt.dialer().DialContext(egress.State)(ctx, network, addr)
		},
	}
	if cfg.Password != nil {
		env := opt.at.secrets
		pg.Password = func(context.Context) (string, error) {
			v, err := secret.Resolve(cfg.Password, env)
			return v.Reveal(), err
		}
	}
	if cfg.SSLMode == "disable" {
		return pg, nil
	}
	roots, err := poolOf(s, cfg.CAFile)
	if err != nil {
		return nil, err
	}
	pg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cfg.Host, RootCAs: roots}
	return pg, nil
}

// poolOf reads a PEM bundle of the site; nil for none: the system's.
func poolOf(s *site.Site, file string) (*x509.CertPool, error) { return (&built{site: s}).pool(file) }

// openAudit opens the audit log, with a key of its own where it is new.
func (st *state) openAudit(ctx context.Context, opt stateOptions) error {
	older, err := st.store.OlderState(ctx)
	if err != nil {
		return err
	}
	if older != nil && !opt.acceptOlder && !opt.look && opt.predecessor == nil {
		return &OlderStateError{Dir: st.dir, Backup: older}
	}
	key, err := st.auditKey(opt.predecessor != nil)
	if err != nil {
		return err
	}
	options := audit.Options{
		Key: key.Reveal(), Now: opt.at.now, Log: opt.at.log, Digest: st.digest, Hide: st.site.Config.Audit.Digests,
		AcceptOlder: opt.acceptOlder, Predecessor: opt.predecessor, MaxHeld: maxHeld(st.site),
	}
	if w := st.site.Config.Audit.Witness; w != nil {
		options.WitnessEvery = durationOr(w.Interval, defaultWitnessEvery)
		if options.Witness, err = witnessOf(st.site, w, opt); err != nil {
			return fmt.Errorf("audit.witness: %w", err)
		}
	}
	dir := filepath.Join(st.dir, auditDir)
	aside := movedAside(st.dir)
	st.audit, err = audit.Open(ctx, dir, options)
	var back *audit.RollbackError
	switch {
	case errors.As(err, &back) && opt.look:
		st.audit, st.rolledBack = nil, err
		return nil
	case err != nil:
		return err
	}
	pub, err := os.ReadFile(filepath.Join(dir, "audit.pub"))
	if err != nil {
		return fmt.Errorf("the audit log's verifier key: %w", err)
	}
	st.verifier = strings.TrimSpace(string(pub))
	if older != nil && opt.acceptOlder {
		at := st.audit.Append(&audit.Record{Kind: audit.KindLog, Action: "older-state.accepted", Detail: whyOlder(older)})
		st.audit.Flush(at)
		if err := st.audit.Wait(ctx, at); err != nil {
			return err
		}
		return st.store.AcceptOlderState(ctx)
	}
	if opt.acceptOlder && movedAside(st.dir) == aside {
		opt.at.log.Warn("--accept-older-state was given, and nothing was older: leave it out, or the next roll-back is accepted unseen")
	}
	return nil
}

// movedAside is how many audit logs lie beside the one in use.
func movedAside(dir string) int {
	names, _ := filepath.Glob(filepath.Join(dir, auditDir+".before-*")) // the pattern is in order
	return len(names)
}

func witnessOf(s *site.Site, w *site.Witness, opt stateOptions) (audit.Witness, error) {
	if w.File != "" {
		return audit.FileWitness(w.File), nil
	}
	roots, err := poolOf(s, w.CAFile)
	if err != nil {
		return nil, err
	}
	client := opt.dialer().Client(egress.State, egress.TransportOptions{RootCAs: roots, MaxConns: 2}, 10*time.Second)
	if w.Token == nil {
		return audit.HTTPWitness(client, w.URL, nil), nil
	}
	if _, err := secret.Resolve(w.Token, opt.at.secrets); err != nil {
		return nil, err
	}
	env := opt.at.secrets
	return audit.HTTPWitness(client, w.URL, func() string {
		v, err := secret.Resolve(w.Token, env)
		if err != nil {
			opt.at.log.Error("audit.witness.token", "error", err)
		}
		return v.Reveal()
	}), nil
}

// auditKey reads the log's signing key, which is sealed by the store, or makes
// one; anew: for a log that takes the place of one with another key.
func (st *state) auditKey(anew bool) (secret.Value, error) {
	path := filepath.Join(st.dir, auditKeyFile)
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return st.newAuditKey(path, anew)
	}
	if err != nil {
		return secret.Value{}, fmt.Errorf("the audit log's key: %w", err)
	}
	key, err := st.store.Unseal(auditKeyPurpose, sealed)
	if err != nil {
		return secret.Value{}, fmt.Errorf("the audit log's key %s: %w", path, err)
	}
	return secret.New(string(key)), nil
}

// newAuditKey makes a key for a log that has none. A log without its key is
// not gone on with under another.
func (st *state) newAuditKey(path string, anew bool) (secret.Value, error) {
	if _, err := os.Stat(filepath.Join(st.dir, auditDir, "checkpoint")); err == nil && !anew {
		return secret.Value{}, fmt.Errorf("state directory %s: %s is missing, and there is an audit log; mend: restore it, or move %s away, as evidence, to begin a new log",
			st.dir, auditKeyFile, auditDir)
	}
	var suffix [4]byte
	rand.Read(suffix[:]) // never fails (crypto/rand)
	signer, _, err := audit.NewKey("cloister/"+originName(st.site.Config.Name)+"/"+hex.EncodeToString(suffix[:]), rand.Reader)
	if err != nil {
		return secret.Value{}, err
	}
	sealed, err := st.store.Seal(auditKeyPurpose, []byte(signer))
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New(signer), writeDurably(path, sealed)
}

// originName is a site's name as the name of a log can hold it.
func originName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < '!' || r > '~' || r == '+' || r == '/' {
			return '-'
		}
		return r
	}, name)
}

// writeDurably writes a new private file; after a crash it is whole or not
// there.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// close gives the state directory back; what is on the log is on disk then.
func (st *state) close(ctx context.Context) error {
	var errs []error
	if st.audit != nil {
		err := st.audit.Close(ctx)
		if s := st.audit.Status(); err != nil && s.WitnessErr != nil && s.Err == nil && s.PublishErr == nil {
			// What was done is on disk. Whether anybody outside knows is another
			// matter, and stops nobody.
			st.log.Warn("the witness did not take the last checkpoint", "error", s.WitnessErr)
			err = nil
		}
		errs = append(errs, err)
	}
	if st.store != nil {
		errs = append(errs, st.store.Close())
	}
	return errors.Join(errs...)
}

// end is close, with a record of it.
func (st *state) end(ctx context.Context, now time.Time) error {
	if st.audit != nil {
		st.audit.Append(&audit.Record{Time: now, Kind: audit.KindConfig, Action: "stop"})
	}
	return st.close(ctx)
}

// bootDialer is for what has to be reached before the site is compiled: its
// state, its vaults. Rules that cannot be compiled, which is reported with the
// site, let nothing out. Of private endpoints it knows what the documents say:
// what operators have decided lies in the state.
func bootDialer(s *site.Site, at surroundings) (*egress.Dialer, error) {
	where, problems := findPlacement(s, at)
	permits := where.permits
	if problems.HasErrors() {
		permits = func(string, netip.AddrPort) (string, bool) { return "none: " + problems.Err().Error(), false }
	}
	d, problems := egress.New(s.Config, egress.Options{
		OwnListeners: at.listeners, OnUse: at.onUse, Log: at.log, Permits: permits, Endpoints: endpointsFor(s, at),
		Zones: zonesFor(s),
	})
	if d == nil {
		return nil, problems.Err()
	}
	return d, nil
}
