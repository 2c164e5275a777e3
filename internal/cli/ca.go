package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/site"
)

func caCommand() *command {
	return &command{
		name: "ca", args: "init|issue|export", short: "keep the site's own certificate authority",
		long: `A hostname of cloister.yaml without certificate and key gets a certificate of the
site's own CA, signed when the gateway starts and renewed while it runs. The CA
lies in the state directory. Its certificate says, in critical name constraints,
what it may sign: so that even its stolen key is worth nothing outside the site.
Its key is never exported. Where state.encryption of cloister.yaml names a
key-encryption key, that one seals the CA's key.`,
		files: []entry{
			{"DIR/state/ca/ca.pem", "the CA's certificate; state.directory names another place"},
			{"DIR/state/ca/ca.key", "its key (mode 0600), sealed where the site encrypts its state"},
		},
		subcommands: []*command{caInitCommand(), caIssueCommand(), caExportCommand()},
	}
}

func caInitCommand() *command {
	return &command{
		name: "init", args: "[--name NAME] DIR", short: "make the CA of the site in DIR",
		long: `The CA may sign the hostnames that cloister.yaml names now, and names below them.
For a hostname that is added later, make another CA: remove the directory that
this command prints, and have clients trust the new certificate.

With state.encryption the key is sealed before it is written: the passphrase has
to be where cloister.yaml says, or the vault has to answer.`,
		flags: func(fs *flag.FlagSet) any {
			return fs.String("name", "", "`NAME` of the authority; default: the site's")
		},
		examples: []entry{{"cloister ca init site", `make it; "cloister init" has done so for a new site`}},
		failed:   "the site has errors or a CA already, the key-encryption key cannot be used, or the state directory cannot be written",
		min:      1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			s, err := loadForCA(env, args[0])
			if err != nil {
				return err
			}
			name := *opt.(*string)
			if name == "" {
				name = caName(s)
			}
			dns, ips := constraintsOf(s)
			dir := app.CADirectory(s)
			if _, err := os.Lstat(filepath.Join(dir, issue.CertificateFile)); err == nil {
				return mended(fmt.Errorf("there is an authority in %s already", dir),
					"rm -r %s && cloister ca init %s; clients have to trust the new certificate", shellQuote(dir), shellQuote(args[0]))
			}
			if _, err := app.MakeCA(ctx, s, issue.Options{Name: name, PermittedDNS: dns, PermittedIPs: ips}, caOptions(env)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "made %s, which may sign %s\nGive clients its certificate: cloister ca export %s > ca.pem\n", dir, constraintText(dns, ips), shellQuote(args[0]))
			return err
		},
	}
}

type caIssueOptions struct {
	client, force bool
	out           string
}

func caIssueCommand() *command {
	return &command{
		name: "issue", args: "[--client] [--out PREFIX] [--force] DIR NAME...", short: "sign a certificate",
		long: `Signs a certificate for a server of these names, or with --client for a client of
one name, for 90 days, and writes PREFIX.pem and PREFIX.key (mode 0600). The
gateway's own hostnames need none: theirs are signed as it runs.

A gateway may be serving the site meanwhile. Where the CA's key is sealed, the
passphrase has to be where cloister.yaml says, or the vault has to answer.`,
		flags: func(fs *flag.FlagSet) any {
			o := &caIssueOptions{}
			fs.BoolVar(&o.client, "client", false, "for a client, not a server")
			fs.BoolVar(&o.force, "force", false, "replace the files where they are there, as to renew a certificate")
			fs.StringVar(&o.out, "out", "", "write `PREFIX`.pem and PREFIX.key; default: the first name")
			return o
		},
		examples: []entry{
			{"cloister ca issue --client --out app site team-a", "a certificate by which an application is known"},
			{"cloister ca issue --out tls/api site api.internal.example", "a server's certificate, for another machine"},
		},
		failed: "a name lies outside what the CA may sign, its key does not open, or a file is there or cannot be written",
		min:    2, max: 64, run: runCAIssue,
	}
}

func runCAIssue(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*caIssueOptions)
	s, err := loadForCA(env, args[0])
	if err != nil {
		return err
	}
	ca, err := app.OpenCA(ctx, s, caOptions(env))
	var none *app.NoCAError
	if errors.As(err, &none) {
		return noCA(args[0])
	}
	if err != nil {
		return err
	}
	names := args[1:]
	request := issue.Request{Names: names}
	if o.client {
		if len(names) != 1 {
			return &usageError{"a client has one name"}
		}
		request = issue.Request{Client: names[0]}
	}
	prefix, err := o.prefix(s, names)
	if err != nil {
		return err
	}
	cert, err := ca.Issue(request)
	if err != nil {
		return err
	}
	if err := cert.WriteFiles(prefix+".pem", prefix+".key"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "wrote %s.pem and %s.key, until %s\n", prefix, prefix, cert.Leaf.NotAfter.UTC().Format("2006-01-02"))
	if err == nil && o.client {
		_, err = fmt.Fprintf(env.Stdout, "in cloister.yaml, for the subscription that it calls as:\n  boundTo: {certificates: [%q]}\n", fmt.Sprintf("%x", sha256.Sum256(cert.Leaf.Raw)))
	}
	return err
}

// prefix is where the files go, which replace nothing unasked, and never what
// is the authority's.
func (o *caIssueOptions) prefix(s *site.Site, names []string) (string, error) {
	prefix := cmp.Or(o.out, filepath.Base(names[0]))
	if same(prefix+".key", filepath.Join(app.CADirectory(s), issue.KeyFile)) {
		return "", fmt.Errorf("%s.pem and %s.key are the authority's own", prefix, prefix)
	}
	for _, path := range []string{prefix + ".pem", prefix + ".key"} {
		if _, err := os.Lstat(path); err == nil && !o.force {
			return "", mended(fmt.Errorf("%s is there already", path), "choose another name with --out, or replace it with --force")
		}
	}
	return prefix, nil
}

func caExportCommand() *command {
	return &command{
		name: "export", args: "[--der] DIR", short: "print the CA's certificate, for those who trust it",
		flags: func(fs *flag.FlagSet) any { return fs.Bool("der", false, "in DER instead of PEM") },
		examples: []entry{
			{`cloister ca export site > ca.pem
curl --cacert ca.pem https://localhost:8443/`, "have a client trust the gateway"},
		},
		failed: "the site has errors or no CA",
		min:    1, max: 1,
		run: func(_ context.Context, env *Env, opt any, args []string) error {
			s, err := loadForCA(env, args[0])
			if err != nil {
				return err
			}
			format := issue.PEM
			if *opt.(*bool) {
				format = issue.DER
			}
			cert, err := issue.Export(app.CADirectory(s), format)
			if errors.Is(err, os.ErrNotExist) {
				return noCA(args[0])
			}
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(cert)
			return err
		},
	}
}

// same reports whether both paths lead to one file that exists.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// caOptions is how a command reaches what seals the CA's key.
func caOptions(env *Env) app.CAOptions {
	return app.CAOptions{Secrets: secretsOf(env), Log: operatorLog(env.Stderr)}
}

func noCA(dir string) error {
	return mended(errors.New("the site has no CA yet"), "cloister ca init %s", shellQuote(dir))
}

// loadForCA loads the site whose CA is meant.
func loadForCA(env *Env, dir string) (*site.Site, error) {
	if err := isSite(dir); err != nil {
		return nil, err
	}
	s, problems := site.Load(dir)
	if s == nil {
		writeProblems(env.Stderr, coloursFor(env.Stderr, env), withoutNotes(problems))
		fmt.Fprintf(env.Stderr, "refused: %s\n", summary(problems))
		return nil, errSilent
	}
	return s, nil
}

// caName is what a CA is called unless it is given a name.
func caName(s *site.Site) string { return "Cloister CA of " + s.Config.Name }

// constraintsOf is what a site's CA has to sign: its hostnames.
func constraintsOf(s *site.Site) (dns []string, ips []netip.Prefix) {
	for _, h := range s.Config.Hostnames {
		if addr, err := netip.ParseAddr(h.Name); err == nil {
			ips = append(ips, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			dns = append(dns, h.Name)
		}
	}
	return dns, ips
}

func constraintText(dns []string, ips []netip.Prefix) string {
	text := ""
	for _, d := range dns {
		text += ", " + d
	}
	for _, ip := range ips {
		text += ", " + ip.String()
	}
	return text[2:]
}
