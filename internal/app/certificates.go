package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/gateway"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// certificates are what the front was made from, to see when they change.
type certificates struct {
	// files maps absolute paths to what was read.
	files map[string][]byte
	// renewAt is when one that the site's own CA signed is due for another;
	// zero: there is none.
	renewAt time.Time
	// expiry by hostname, for metrics.
	expiry map[string]time.Time
}

// makeFront reads certificates and makes the front; nil where one is unfit.
func (b *built) makeFront(at surroundings) *gateway.Front {
	cfg := b.site.Config
	opt := gateway.FrontOptions{TrustedProxies: cfg.TrustedProxies, Limits: cfg.Limits, Admits: b.placement.admits}
	if cfg.PublicNetworkAccess != "Enabled" {
		opt.Private = func(a netip.Addr) bool { return isPrivate(cfg, a) }
	}
	b.certificates = certificates{files: map[string][]byte{}, expiry: map[string]time.Time{}}
	b.pairs = map[string]*tls.Certificate{}
	fit := true
	for i := range cfg.Hostnames {
		h, ok := b.hostname(&cfg.Hostnames[i], at)
		if fit = fit && ok; ok {
			opt.Hostnames = append(opt.Hostnames, h)
		}
	}
	if !fit {
		return nil
	}
	front, err := gateway.NewFront(opt)
	if err != nil {
		b.problems.Add(site.Pos{File: "cloister.yaml"}, "hostnames", "", "", "%v", err)
		return nil
	}
	return front
}

// hostname reads and judges the certificate of one name; not ok: it is unfit.
func (b *built) hostname(h *site.Hostname, at surroundings) (out gateway.FrontHostname, ok bool) {
	pair, err := b.pair(h, at)
	if err != nil {
		b.certificateProblem(h, err)
		return out, false
	}
	ok = true
	for _, f := range issue.CheckCertificate(pair.Leaf, []string{h.Name}, at.now()) {
		b.problems = append(b.problems, site.Problem{Severity: f.Severity, Pos: h.Pos, Code: f.Code, Message: fmt.Sprintf("hostname %q: %s", h.Name, f.Message), Mend: f.Mend})
		ok = ok && f.Severity != site.Error
	}
	if !at.development && issue.IsEmulator(pair.Leaf) {
		b.problems.Add(h.Pos, "emulator-certificate", "a certificate of your own CA", "run: cloister ca issue, or give certificate and key",
			"hostname %q has a certificate that the emulator made", h.Name)
	}
	roots, err := b.pool(h.ClientCA)
	if err != nil {
		b.problems.Add(h.Pos, "client-ca", "a PEM bundle", "", "hostname %q: clientCA: %v", h.Name, err)
		ok = false
	}
	b.certificates.expiry[h.Name] = pair.Leaf.NotAfter
	b.pairs[h.Name] = pair
	return gateway.FrontHostname{Name: h.Name, Default: h.Default, Certificate: pair, ClientCAs: roots}, ok
}

// certificateProblem is a certificate that could not be read, or signed. A site
// without a CA, and one whose CA may not sign the name, are worth words of
// their own.
func (b *built) certificateProblem(h *site.Hostname, err error) {
	var unfit *unfitError
	var unreadable *secret.Error
	var sealed *issue.SealedError
	mend, message := "", err.Error()
	switch {
	case errors.As(err, &sealed): // it says itself what to do; the CA is not lost
	case errors.As(err, &unfit):
		mend = fmt.Sprintf("give the key that the certificate was made for; it is the one where both lines are equal:\n"+
			"openssl x509 -in %s -noout -pubkey | openssl sha256\nopenssl pkey -in %s -pubout | openssl sha256",
			shellPath(b.path(h.Certificate)), shellPath(b.path(h.Key)))
	case errors.As(err, &unreadable):
		mend, message = cmp.Or(unreadable.Mend, "correct certificate and key"), fmt.Sprintf("the key cannot be used: %s", unreadable.Reason)
	case h.Certificate != "":
		mend = "correct certificate and key"
	default:
		dir := shellPath(b.site.Dir)
		mend = "give certificate and key, or run: cloister ca init " + dir
		if _, err := os.Lstat(filepath.Join(CADirectory(b.site), issue.CertificateFile)); err == nil {
			mend = fmt.Sprintf("make another CA, and have clients trust its certificate: rm -r %s && cloister ca init %s", shellPath(CADirectory(b.site)), dir)
		}
	}
	b.problems.Add(h.Pos, "certificate-unreadable", "a certificate and its key", mend, "hostname %q: %s", h.Name, message)
}

// shellPath is a path as a shell takes it.
func shellPath(path string) string {
	if strings.ContainsAny(path, " \t\n'\"\\$`&|;<>()*?[]{}~#!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// unfitError is a certificate and a key that are not a pair.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }

func (e *unfitError) Unwrap() error { return e.err }

// pair is the certificate of a hostname with its key and Leaf set: from files,
// or signed now by the site's own CA.
func (b *built) pair(h *site.Hostname, at surroundings) (*tls.Certificate, error) {
	if h.Certificate == "" {
		return b.signed(h, at)
	}
	cert, err := b.file(h.Certificate)
	if err != nil {
		return nil, err
	}
	// What holds for secrets holds for this one: nobody else may read it.
	if _, err := secret.Resolve(&site.SecretRef{File: h.Key}, secret.Env{SiteDir: b.site.Dir}); err != nil {
		return nil, err
	}
	key, err := b.file(h.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, &unfitError{fmt.Errorf("%s and %s: %w", h.Certificate, h.Key, err)}
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}

// file reads a certificate or key now, not as it was when the site was loaded:
// renewals do not touch the site.
func (b *built) file(name string) ([]byte, error) {
	path := b.path(name)
	data, err := os.ReadFile(path)
	if err == nil {
		b.certificates.files[path] = data
	}
	return data, err
}

func (b *built) path(name string) string {
	return filepath.Join(b.site.Dir, filepath.FromSlash(name))
}

// authority is the site's own CA. Where there is no process that has the state,
// one whose key is sealed is judged by its certificate.
func (b *built) authority(at surroundings) (*issue.CA, error) {
	files, err := issue.ReadFiles(CADirectory(b.site))
	switch {
	case err != nil:
		return nil, err
	case at.authority != nil:
		return at.authority.get(files, at.offline)
	case files.InClear():
		return files.Open(context.Background(), nil, issue.LoadOptions{Now: at.now}) // nobody is asked
	}
	if b.site.Config.State.Encryption == nil {
		b.warnSealed(files)
	}
	return files.StandIn(issue.LoadOptions{Now: at.now})
}

// warnSealed: a start would be refused; a reload of a gateway that runs, and
// takes its encryption away, is not.
func (b *built) warnSealed(files *issue.Files) {
	const code = "ca-sealed"
	if slices.ContainsFunc(b.problems, func(p site.Problem) bool { return p.Code == code }) {
		return // each hostname asks
	}
	b.problems = append(b.problems, site.Problem{
		Severity: site.Warning, Pos: placeOf(b.site, "state.encryption"), Code: code,
		Message: fmt.Sprintf("the key of the site's own CA is sealed by the key-encryption key %s, and the site names none: it cannot be started", strings.Join(files.SealedBy(), ", ")),
		Mend:    "set state.encryption to that key; to take encryption away, reload a gateway that runs",
	})
}

func (b *built) signed(h *site.Hostname, at surroundings) (*tls.Certificate, error) {
	ca, err := b.authority(at)
	if err != nil {
		return nil, fmt.Errorf("the site's own CA: %w", err)
	}
	if !at.development && issue.IsEmulator(ca.Certificate) {
		return nil, errors.New("the site's own CA was made by the emulator")
	}
	cert, err := ca.IssueServer(h.Name)
	if err != nil {
		return nil, err
	}
	// Two thirds of its life are over: time for another, and time to notice
	// where that fails.
	life := cert.Leaf.NotAfter.Sub(at.now())
	if due := at.now().Add(life * 2 / 3); b.certificates.renewAt.IsZero() || due.Before(b.certificates.renewAt) {
		b.certificates.renewAt = due
	}
	pair := cert.TLS()
	pair.Leaf = cert.Leaf
	return &pair, nil
}

// changed reports whether a certificate file is another than was read, or one
// of the site's own CA is due.
func (c *certificates) changed(now time.Time) bool {
	if !c.renewAt.IsZero() && now.After(c.renewAt) {
		return true
	}
	for path, was := range c.files {
		is, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(is, was) {
			return true
		}
	}
	return false
}
