package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
)

// verifierFile is the log's public key, in the log's directory.
const verifierFile = "audit.pub"

func auditCommand() *command {
	return &command{
		name: "audit", args: "tail|verify|export|prove|digest", short: "read and verify the audit log",
		long: `The audit log holds access decisions, acts of operators and changes of the
configuration, chained and signed by the gateway. It has the form of C2SP
tlog-tiles, so that other programs verify it as well.

"tail", "prove" and "digest" ask the gateway. "verify" and "export" read the
files, need no gateway, and change nothing: a copy of the directory will do.`,
		files: []entry{
			{"DIR/state/audit/checkpoint", "size and root of the log, signed"},
			{"DIR/state/audit/tile", "hashes and records"},
			{"DIR/state/audit/journal", "records that are on disk and not yet in tiles"},
			{"DIR/state/audit/audit.pub", "the verifier key; keep a copy elsewhere"},
		},
		subcommands: []*command{
			auditTailCommand(), auditVerifyCommand(), auditExportCommand(), auditProveCommand(), auditDigestCommand(),
		},
	}
}

// logDirectory is the log in dir: dir itself, or that of the site, of "up" or
// of the state directory in it.
func logDirectory(dir string) (string, error) {
	candidates := []string{dir, filepath.Join(dir, "audit"), filepath.Join(dir, "state", "audit")}
	for _, site := range []string{dir, filepath.Join(dir, "site")} {
		if _, err := os.Stat(filepath.Join(site, "cloister.yaml")); err == nil {
			// Where the site has problems, the places above are all there is.
			if state, _ := app.StateDirectory(site); state != "" {
				candidates = append(candidates, filepath.Join(state, "audit"))
			}
		}
	}
	for _, c := range candidates {
		for _, name := range []string{"checkpoint", "tile", "journal"} {
			switch _, err := os.Stat(filepath.Join(c, name)); {
			case err == nil:
				return c, nil
			case errors.Is(err, fs.ErrPermission):
				return "", mended(err, "become the gateway's user, or root")
			}
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	return "", mended(fmt.Errorf("there is no audit log in %s", dir), "give the directory of the site, of its state, or that in which \"checkpoint\" lies")
}

// verifierKey is the key that a flag gives, itself or as a file, else the log's
// own; from says which.
func verifierKey(given, dir string) (key, from string, err error) {
	path := given
	switch {
	case given == "" && dir == "":
		return "", "", &usageError{"a verifier key is missing: --key KEY|FILE"}
	case given == "":
		path = filepath.Join(dir, verifierFile)
	}
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return strings.TrimSpace(string(text)), path, nil
	case given != "" && strings.Count(given, "+") >= 2: // NAME+HASH+KEY
		return given, "the command line", nil
	case given == "":
		return "", "", mended(fmt.Errorf("the verifier key: %w", err), "give a copy that was kept elsewhere: --key FILE")
	}
	return "", "", mended(fmt.Errorf("the verifier key: %w", err), "give a file that is there, or the key itself, NAME+HASH+KEY")
}

type digestOptions struct {
	door *door
	kind string
}

func auditDigestCommand() *command {
	return &command{
		name: "digest", args: doorArgs + " --kind KIND VALUE", short: "print what stands in the log for an identifier",
		long: `Where audit.digests of cloister.yaml names a kind of identifiers, keyed digests
stand for them in the log. This prints the digest of one, to look for it there.

Role: auditor.`,
		flags: func(fs *flag.FlagSet) any {
			o := &digestOptions{door: declareDoor(fs)}
			fs.StringVar(&o.kind, "kind", "", "`KIND`: principal, client or subscription")
			return o
		},
		examples: []entry{
			{`digest=$(cloister audit digest --dir site --kind client 10.1.2.3)
cloister audit export site | grep "$digest"`, "what did this client ask for?"},
		},
		min: 1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			o := opt.(*digestOptions)
			if o.kind == "" {
				return &usageError{"a flag is missing: --kind principal, client or subscription"}
			}
			return o.door.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				digest, err := c.AuditDigest(ctx, o.kind, args[0])
				switch {
				case err != nil:
					return err
				case o.door.json:
					return writeJSON(env.Stdout, admin.AuditDigest{Digest: digest})
				}
				_, err = fmt.Fprintln(env.Stdout, digest)
				return err
			})
		},
	}
}
