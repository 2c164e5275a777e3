package issue

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// KeyEncryption seals the private key of an authority; a [secret.KEK] does.
type KeyEncryption interface {
	// ID names the key, in messages and in the file; it is no secret.
	ID() string
	Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error)
}

// Files is an authority as it lies in its directory. Its key lies there in one
// form, or, while its key-encryption key is changed, in two: under the one of
// before and under the one to be, so that a crash leaves it to be opened by
// whichever of them the rest of the state is sealed by.
//
// It is not changed after it was made; [Files.With] and [Files.Only] make
// another, which [Files.Write] brings to the disk.
type Files struct {
	Certificate *x509.Certificate
	dir         string
	forms       []keyForm
}

// ReadFiles reads the authority in dir and opens nothing. It refuses a key that
// others can read.
func ReadFiles(dir string) (*Files, error) {
	fail := func(err error) (*Files, error) {
		return nil, fmt.Errorf("loading the authority in %s: %w", dir, err)
	}
	f := &Files{dir: dir}
	var err error
	if f.Certificate, err = readCertificate(filepath.Join(dir, CertificateFile)); err != nil {
		return fail(err)
	}
	if !f.Certificate.IsCA || !f.Certificate.BasicConstraintsValid {
		return fail(fmt.Errorf("%s is not the certificate of an authority", CertificateFile))
	}
	// By way of secret.Resolve, which refuses files that everybody can read;
	// the group is refused here.
	if info, err := os.Stat(f.path()); err == nil && info.Mode().Perm()&0o070 != 0 {
		return fail(fmt.Errorf("the group has access to %s (mode %04o); mend: chmod 600 %s", f.path(), info.Mode().Perm(), f.path()))
	}
	text, err := secret.Resolve(&site.SecretRef{File: KeyFile}, secret.Env{SiteDir: dir})
	if err != nil {
		return fail(err)
	}
	if f.forms, err = parseForms([]byte(text.Reveal())); err != nil {
		return fail(fmt.Errorf("%s %w", f.path(), err))
	}
	return f, nil
}

func (f *Files) path() string { return filepath.Join(f.dir, KeyFile) }

// Same reports whether both hold one certificate and one key, sealed alike.
func (f *Files) Same(other *Files) bool {
	return f.Certificate.Equal(other.Certificate) && bytes.Equal(encodeForms(f.forms), encodeForms(other.forms))
}

// InClear reports whether the key can be read without a key-encryption key.
func (f *Files) InClear() bool { return f.form("") != nil }

// SealedBy are the IDs of the key-encryption keys that open it.
func (f *Files) SealedBy() []string {
	var ids []string
	for _, form := range f.forms {
		if form.kek != "" {
			ids = append(ids, form.kek)
		}
	}
	return ids
}

// Settled reports whether the key lies as kek seals it, nil: in clear, and in no
// other form.
func (f *Files) Settled(kek KeyEncryption) bool {
	return len(f.forms) == 1 && f.forms[0].kek == idOf(kek)
}

// idOf is the ID of a key-encryption key, empty for none: a form in clear.
func idOf(kek KeyEncryption) string {
	if kek == nil {
		return ""
	}
	return kek.ID()
}

func (f *Files) form(id string) *keyForm {
	for i := range f.forms {
		if f.forms[i].kek == id {
			return &f.forms[i]
		}
	}
	return nil
}

// SealedError says that the key of an authority does not open.
type SealedError struct {
	// Path is its file.
	Path string
	// By are the key-encryption keys that open it; KEK is the one that was
	// given, empty: none.
	By  []string
	KEK string
	// Err is why KEK, which is among them, did not open it; nil: it is not.
	Err error
}

func (e *SealedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("the authority's key %s: %v", e.Path, e.Err)
	}
	s := fmt.Sprintf("the authority's key %s is sealed by the key-encryption key %s, and ", e.Path, strings.Join(e.By, ", "))
	if e.KEK == "" {
		return s + "none is given; mend: set state.encryption of cloister.yaml to that key"
	}
	return s + fmt.Sprintf("the one that is given is %s; mend: set state.encryption of cloister.yaml to the key that sealed it", e.KEK)
}

func (e *SealedError) Unwrap() error { return e.Err }

// Open opens the authority; kek may be nil where the key lies in clear. It
// refuses a key that is not the certificate's. Where the key is sealed and does
// not open, a [*SealedError] is in the error's chain.
func (f *Files) Open(ctx context.Context, kek KeyEncryption, opt LoadOptions) (*CA, error) {
	key, err := f.open(ctx, kek)
	if err == nil {
		err = SelfTest(tls.Certificate{Certificate: [][]byte{f.Certificate.Raw}, PrivateKey: key})
	}
	if err != nil {
		return nil, fmt.Errorf("loading the authority in %s: %w", f.dir, err)
	}
	ca := &CA{Certificate: f.Certificate, key: key}
	ca.inject(opt.Now, opt.Rand)
	return ca, nil
}

func (f *Files) open(ctx context.Context, kek KeyEncryption) (crypto.Signer, error) {
	form := f.form(idOf(kek))
	if form == nil {
		form = f.form("")
	}
	if form == nil {
		return nil, &SealedError{Path: f.path(), By: f.SealedBy(), KEK: idOf(kek)}
	}
	der := form.data
	if form.kek != "" {
		var err error
		if der, err = kek.Unwrap(ctx, form.data, boundTo(f.Certificate)); err != nil {
			return nil, &SealedError{Path: f.path(), By: f.SealedBy(), KEK: kek.ID(), Err: err}
		}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path(), err)
	}
	key, isSigner := parsed.(crypto.Signer)
	if !isSigner {
		return nil, fmt.Errorf("%s is not a key that signs", f.path())
	}
	return key, nil
}

// StandIn is an authority with the certificate's names, constraints and dates,
// and a key of its own that is gone with it. What it refuses to sign the
// authority refuses, so one whose key is sealed can be judged; what it signs is
// trusted by nobody.
func (f *Files) StandIn(opt LoadOptions) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	cert := *f.Certificate
	cert.PublicKey, cert.PublicKeyAlgorithm = key.Public(), x509.ECDSA
	ca := &CA{Certificate: &cert, key: key}
	ca.inject(opt.Now, opt.Rand)
	return ca, nil
}

// With is f with the key of ca, the authority in f, in one form more: as kek
// seals it now, nil: in clear.
func (f *Files) With(ctx context.Context, ca *CA, kek KeyEncryption) (*Files, error) {
	form, err := formOf(ctx, ca, kek)
	if err != nil {
		return nil, fmt.Errorf("sealing the key of the authority in %s: %w", f.dir, err)
	}
	out := *f
	out.forms = slices.DeleteFunc(slices.Clone(f.forms), func(k keyForm) bool { return k.kek == form.kek })
	out.forms = append(out.forms, form)
	return &out, nil
}

// Only is f with the key in the form of kek alone, which it has.
func (f *Files) Only(kek KeyEncryption) *Files {
	out := *f
	out.forms = slices.DeleteFunc(slices.Clone(f.forms), func(k keyForm) bool { return k.kek != idOf(kek) })
	return &out
}

func formOf(ctx context.Context, ca *CA, kek KeyEncryption) (keyForm, error) {
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return keyForm{}, fmt.Errorf("encoding the authority's key: %w", err)
	}
	form := keyForm{kek: idOf(kek), data: der}
	if kek != nil {
		if form.data, err = kek.Wrap(ctx, der, boundTo(ca.Certificate)); err != nil {
			return keyForm{}, err
		}
	}
	return form, nil
}

// boundTo is what a sealed key is bound to: what it is, and whose.
func boundTo(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.Raw)
	return append([]byte("cloister ca-key 1\x00"), sum[:]...)
}

// Write puts the key in the place of the one on the disk: after a crash it is
// the one or the other, whole. A symbolic link stays, and what it leads to is
// replaced.
func (f *Files) Write() error {
	if len(f.forms) == 0 {
		return fmt.Errorf("writing %s: there is no form of the key to write", f.path())
	}
	text := encodeForms(f.forms)
	if len(text) > secret.MaxSize {
		return fmt.Errorf("writing %s: it would be larger than the %d bytes that are read", f.path(), secret.MaxSize)
	}
	path, err := filepath.EvalSymlinks(f.path())
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.path(), err)
	}
	if err := f.RemoveLeftover(); err != nil {
		return err
	}
	draft := draftOf(path)
	if err := writeNew(draft, text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(draft))
	}
	return syncDir(filepath.Dir(path))
}

// draftOf is where a key is written before it is renamed: one name, so that
// what a crash leaves is found.
func draftOf(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
}

// RemoveLeftover removes what a crash of [Files.Write] left: it may hold the key
// in clear. Nobody else may be writing.
func (f *Files) RemoveLeftover() error {
	path, err := filepath.EvalSymlinks(f.path())
	if err == nil {
		err = os.Remove(draftOf(path))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing what a crash left beside %s: %w", f.path(), err)
	}
	return nil
}
