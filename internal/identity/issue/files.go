package issue

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Files of an authority in its directory.
const (
	CertificateFile = "ca.pem"
	KeyFile         = "ca.key"
)

// InitCA makes an authority in dir, which it makes where it is missing. It
// never replaces one.
func InitCA(dir string, opt Options) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the authority's directory: %w", err)
	}
	for _, name := range []string{CertificateFile, KeyFile} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is an authority in %s already (%s); mend: name another directory, or take that one away yourself", dir, path)
		}
	}
	ca, err := NewCA(opt)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return nil, fmt.Errorf("encoding the authority's key: %w", err)
	}
	// The key first: a certificate without its key would look like an
	// authority.
	key := pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der})
	if err := writeNew(filepath.Join(dir, KeyFile), key, 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(filepath.Join(dir, CertificateFile), certificatePEM(ca.Certificate), 0o644); err != nil {
		return nil, err
	}
	return ca, nil
}

// LoadOptions of [LoadCA].
type LoadOptions struct {
	// Now and Rand are as in [Options].
	Now  func() time.Time
	Rand io.Reader
}

// LoadCA reads the authority in dir. It refuses a key that others can read,
// and one that is not the certificate's.
func LoadCA(dir string, opt LoadOptions) (*CA, error) {
	cert, err := readCertificate(filepath.Join(dir, CertificateFile))
	if err != nil {
		return nil, fmt.Errorf("loading the authority in %s: %w", dir, err)
	}
	if !cert.IsCA || !cert.BasicConstraintsValid {
		return nil, fmt.Errorf("loading the authority in %s: %s is not the certificate of an authority", dir, CertificateFile)
	}
	key, err := readKey(dir)
	if err != nil {
		return nil, fmt.Errorf("loading the authority in %s: %w", dir, err)
	}
	if err := SelfTest(tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}); err != nil {
		return nil, fmt.Errorf("loading the authority in %s: %w", dir, err)
	}
	ca := &CA{Certificate: cert, key: key}
	ca.inject(opt.Now, opt.Rand)
	return ca, nil
}

// readKey reads by way of secret.Resolve, which refuses files that everybody
// can read; the group is refused here.
func readKey(dir string) (crypto.Signer, error) {
	path := filepath.Join(dir, KeyFile)
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o070 != 0 {
		return nil, fmt.Errorf("the group has access to %s (mode %04o); mend: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	v, err := secret.Resolve(&site.SecretRef{File: KeyFile}, secret.Env{SiteDir: dir})
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(v.Reveal()))
	if block == nil || block.Type != pemKey {
		return nil, fmt.Errorf("%s is not a PEM file with a private key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	key, isSigner := parsed.(crypto.Signer)
	if !isSigner {
		return nil, fmt.Errorf("%s is not a key that signs", path)
	}
	return key, nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(src)
	if block == nil || block.Type != pemCertificate || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s is not a PEM file with one certificate", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return cert, nil
}

// Format of [Export].
type Format string

// Formats of a certificate.
const (
	PEM Format = "pem"
	DER Format = "der"
)

// Export is the certificate of the authority in dir, for those who have to
// trust it. It needs no key, and there is no way to export one.
func Export(dir string, format Format) ([]byte, error) {
	cert, err := readCertificate(filepath.Join(dir, CertificateFile))
	if err != nil {
		return nil, fmt.Errorf("exporting the authority in %s: %w", dir, err)
	}
	switch format {
	case PEM, "":
		return certificatePEM(cert), nil
	case DER:
		return cert.Raw, nil
	}
	return nil, fmt.Errorf("unknown format %q; expected %s or %s", format, PEM, DER)
}

// PEM is the authority's certificate.
func (ca *CA) PEM() []byte { return certificatePEM(ca.Certificate) }

// WriteFiles stores a certificate and its key (mode 0600), in the place of
// those that are there. Each file is replaced as a whole, the key first; a
// reader that finds the new key with the old certificate sees that they do
// not match and reads again.
func (c *Certificate) WriteFiles(certificate, key string) error {
	text, err := c.KeyPEM()
	if err != nil {
		return err
	}
	if err := replace(key, []byte(text.Reveal()), 0o600); err != nil {
		return err
	}
	return replace(certificate, c.PEM(), 0o644)
}

// writeNew writes a file that was not there, and makes it durable.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(path))
	}
	return nil
}

func replace(path string, content []byte, mode fs.FileMode) error {
	// CreateTemp makes files of mode 0600, so the key is never open to others.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
