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
	"syscall"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/store"
)

// door says by which operator's door a command goes in.
type door struct {
	dir, server              string
	ca, token, cert, certKey string
	json                     bool
}

// doorArgs is how manuals write the flags of a door.
const doorArgs = "[--dir DIR | --server URL …]"

// doorText is what manuals say of them.
const doorText = `It asks the gateway that owns the state directory, by its socket: as the
gateway's user or root. Where none runs it does the same by itself. From
elsewhere --server asks the door of admin.listener, with a token or a client
certificate to which admin.roles gives the role.`

// declareDoor declares the flags that every command at the door has.
func declareDoor(flags *flag.FlagSet) *door {
	d := &door{}
	flags.StringVar(&d.dir, "dir", "", "the `DIR` of a site, of \"up\", or in which a state directory \"state\" lies; default: the current one")
	flags.StringVar(&d.server, "server", "", "ask the door at `URL`, as https://gateway.internal.example:9444")
	flags.StringVar(&d.ca, "ca", "", "`FILE` with the CA that signed the door's certificate; default: the system's")
	flags.StringVar(&d.token, "token-file", "", "`FILE` with a token to show, which nobody else can read")
	flags.StringVar(&d.cert, "cert", "", "`FILE` with the client certificate to show")
	flags.StringVar(&d.certKey, "key-file", "", "`FILE` with its key, which nobody else can read")
	flags.BoolVar(&d.json, "json", false, "print JSON for programs")
	return d
}

// check finds flags that contradict each other.
func (d *door) check() error {
	if d.server == "" {
		for name, value := range map[string]string{"ca": d.ca, "token-file": d.token, "cert": d.cert, "key-file": d.certKey} {
			if value != "" {
				return &usageError{"--" + name + " goes with --server"}
			}
		}
		return nil
	}
	switch {
	case d.dir != "":
		return &usageError{"--dir and --server are two ways in: give one"}
	case !strings.HasPrefix(d.server, "https://"):
		return &usageError{fmt.Sprintf("--server %q is no https:// URL", d.server)}
	case (d.cert == "") != (d.certKey == ""):
		return &usageError{"--cert and --key-file go together"}
	case d.cert != "" && d.token != "":
		return &usageError{"--token-file and --cert are two who ask: show one"}
	case d.cert == "" && d.token == "":
		return &usageError{"--server needs who asks: --token-file FILE, or --cert FILE and --key-file FILE"}
	}
	return nil
}

// do opens the door, has act go through it, and closes it.
func (d *door) do(ctx context.Context, env *Env, act func(context.Context, *admin.Client) error) (err error) {
	if err := d.check(); err != nil {
		return err
	}
	ctx, free := interruptible(ctx, env)
	defer free()
	if d.server != "" {
		c, err := d.remote()
		if err != nil {
			return err
		}
		return interrupted(ctx, explainDoor(act(ctx, c)))
	}
	if err := ours(d.dir); err != nil {
		return err
	}
	o, err := openOperator(ctx, app.OperatorOptions{
		Dir: d.dir, Secrets: secretsOf(env), Log: operatorLog(env.Stderr), Build: env.build,
	})
	if err != nil {
		return interrupted(ctx, explainSite(env, err))
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return interrupted(ctx, act(ctx, o.Client))
}

// look is do for what only looks: where there is no state it begins none, which
// a mistyped state.directory would.
func (d *door) look(ctx context.Context, env *Env, act func(context.Context, *admin.Client) error) error {
	if d.server == "" {
		if state, _, err := app.StateOf(d.dir); err == nil {
			if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
				return mended(fmt.Errorf("there is no state directory %s", state), "the first start makes it; if there was one, look at state.directory and --dir")
			}
		}
	}
	return d.do(ctx, env, act)
}

// ownerWait is how long a command waits for who owns the state directory and
// does not answer: another command, or a gateway that is about to.
const ownerWait = 3 * time.Second

func openOperator(ctx context.Context, opt app.OperatorOptions) (*app.Operator, error) {
	for end := time.Now().Add(ownerWait); ; {
		o, err := app.OpenOperator(ctx, opt)
		if !errors.As(err, new(*store.LockedError)) || time.Now().After(end) {
			return o, err
		}
		select {
		case <-ctx.Done():
			return nil, errInterrupted
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask is do for calls that only a running gateway can answer: the lock is not
// taken, so that a gateway that starts meanwhile finds it free.
func (d *door) ask(ctx context.Context, env *Env, act func(context.Context, *admin.Client) error) error {
	if err := d.check(); err != nil {
		return err
	}
	ctx, free := interruptible(ctx, env)
	defer free()
	var c *admin.Client
	var err error
	if d.server != "" {
		c, err = d.remote()
	} else if state, stateErr := stateOf(env, d.dir); stateErr == nil {
		c = admin.NewClient(state)
	} else {
		err = stateErr
	}
	if err != nil {
		return err
	}
	if err = act(ctx, c); d.server != "" {
		err = explainDoor(err)
	} else {
		err = d.explainSocket(err)
	}
	return interrupted(ctx, err)
}

// remote is the way to a door over TLS. What others could read says nothing of
// who asks.
func (d *door) remote() (*admin.Client, error) {
	for _, file := range []string{d.token, d.certKey} {
		if file == "" {
			continue
		}
		if _, err := secret.Resolve(&site.SecretRef{File: file}, secret.Env{SiteDir: "."}); err != nil {
			return nil, err
		}
	}
	return app.OpenRemote(app.RemoteOptions{Server: d.server, CAFile: d.ca, CertFile: d.cert, KeyFile: d.certKey, TokenFile: d.token})
}

// stateOf is the state directory that dir leads to.
func stateOf(env *Env, dir string) (string, error) {
	if dir == "" {
		dir = "."
	}
	state := filepath.Join(dir, "state")
	for _, candidate := range []string{dir, filepath.Join(dir, "site")} {
		if _, err := os.Stat(filepath.Join(candidate, "cloister.yaml")); err != nil {
			continue
		}
		if named, problems := app.StateDirectory(candidate); named != "" {
			return named, nil
		} else if !isDirectory(state) {
			return "", refusedSite(env, problems)
		}
	}
	if isDirectory(state) {
		return state, nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no directory %s", dir)
	}
	return "", mended(fmt.Errorf("%s holds neither a site nor a state directory", dir),
		"give the directory of the site, or that of cloister up, with --dir")
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// explainSite prints the problems of a site that keeps a command from its state.
func explainSite(env *Env, err error) error {
	var s *app.SiteError
	if errors.As(err, &s) {
		return refusedSite(env, s.Problems)
	}
	return err
}

// interruptible ends its context at the first SIGINT or SIGTERM, so that what
// has begun is tidied up. Free gives the signals back to nobody: the command
// ends.
func interruptible(ctx context.Context, env *Env) (context.Context, func()) {
	stop, _, free := stopping(ctx, hear(env, os.Interrupt, syscall.SIGTERM), nil)
	return stop, free
}

// interrupted says of a call that a signal ended what is true of it.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w; what had reached the gateway is carried out all the same", errInterrupted)
}
