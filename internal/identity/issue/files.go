package issue

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Files of an authority in its directory.
const (
	CertificateFile = "ca.pem"
	KeyFile         = "ca.key"
)

// InitCA makes an authority in dir, which it makes where it is missing, with its
// key in clear. It never replaces one.
func InitCA(dir string, opt Options) (*CA, error) {
	return InitSealedCA(context.Background(), dir, opt, nil)
}

// InitSealedCA is [InitCA] with a key that kek seals before it is written; nil:
// in clear.
func InitSealedCA(ctx context.Context, dir string, opt Options, kek KeyEncryption) (*CA, error) {
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
	form, err := formOf(ctx, ca, kek)
	if err != nil {
		return nil, fmt.Errorf("making the authority in %s: %w", dir, err)
	}
	// The key first: a certificate without its key would look like an
	// authority.
	if err := writeNew(filepath.Join(dir, KeyFile), encodeForms([]keyForm{form}), 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(filepath.Join(dir, CertificateFile), certificatePEM(ca.Certificate), 0o644); err != nil {
		return nil, err
	}
	return ca, syncDir(dir)
}

// LoadOptions of [LoadCA] and [Files.Open].
type LoadOptions struct {
	// Now and Rand are as in [Options].
	Now  func() time.Time
	Rand io.Reader
}

// LoadCA reads the authority in dir, whose key lies in clear. It refuses a key
// that others can read, one that is not the certificate's, and one that is
// sealed, with a [*SealedError]: that is what [ReadFiles] is for.
func LoadCA(dir string, opt LoadOptions) (*CA, error) {
	f, err := ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	return f.Open(context.Background(), nil, opt) // without a key nobody is asked
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
