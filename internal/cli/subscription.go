package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/cloister-ai/cloister/internal/admin"
)

func subscriptionCommand() *command {
	return &command{
		name: "subscription", args: "create|list|show|rotate|suspend|activate|delete", short: "keep the subscriptions that callers have keys of",
		long: `A subscription is what a caller calls as: it has a primary and a secondary key,
and a scope, which is every API, one API or one product. Keys are shown once,
when they are made; the gateway keeps their digests alone. A change is in force
within a second, in every gateway on the same state, open streams included.

` + doorText,
		subcommands: []*command{
			subscriptionCreateCommand(), subscriptionListCommand(), subscriptionShowCommand(), subscriptionRotateCommand(),
			subscriptionActCommand(subscriptionAct{
				name: "suspend", done: "suspended", short: "let a subscription open nothing for a while",
				long: "Its keys open nothing from now on, and its open streams are cut; its keys stay\nwhat they are until it is activated again.", call: (*admin.Client).SuspendSubscription,
				then: "its keys open nothing; cloister subscription activate lets it in again",
			}),
			subscriptionActCommand(subscriptionAct{
				name: "activate", done: "activated", short: "let a suspended subscription in again",
				long: "Its keys open again what they opened before.", call: (*admin.Client).ActivateSubscription,
				then: "its keys are let in",
			}),
			subscriptionActCommand(subscriptionAct{
				name: "delete", done: "deleted", short: "delete a subscription and its keys",
				long: "Its keys open nothing from now on, and its open streams are cut. Nothing is\nasked, and nothing brings the keys back: suspend is for a while.", call: (*admin.Client).DeleteSubscription,
				then: "its keys open nothing any more",
			}),
		},
	}
}

type createOptions struct {
	door               *door
	scope, displayName string
}

func subscriptionCreateCommand() *command {
	return &command{
		name: "create", args: doorArgs + " [--scope SCOPE] [--display-name TEXT] [--json] NAME", short: "make a subscription and its keys",
		long: `Makes the subscription NAME and prints its two keys, this once. With --json it is
one line, {"name":…,"primaryKey":…,"secondaryKey":…}.

A subscription that cloister.yaml declares without keys gets its keys this way,
and keeps the scope that it has there.

Role: operator.`,
		flags: func(fs *flag.FlagSet) any {
			o := &createOptions{door: declareDoor(fs)}
			fs.StringVar(&o.scope, "scope", "", "`SCOPE`: /apis, /apis/ID or /products/ID; default: what the site declares, else /apis")
			fs.StringVar(&o.displayName, "display-name", "", "`TEXT` for people; default: the name")
			return o
		},
		examples: []entry{
			{"cloister subscription create --dir site team-a", "keys for a team, for every API"},
			{"cloister subscription create --scope /products/ID team-b", "for the APIs of one product of the site"},
			{"cloister subscription create --json team-a | jq -r .primaryKey >team-a.key", "hand a key on without showing it"},
		},
		failed: "there is a subscription of this name, the scope is not the site's, or it was refused",
		min:    1, max: 1, run: runSubscriptionCreate,
	}
}

func runSubscriptionCreate(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*createOptions)
	if err := keysSeen(env.Stdout); err != nil {
		return err
	}
	return o.door.do(ctx, env, func(ctx context.Context, c *admin.Client) error {
		keys, err := c.CreateSubscription(ctx, admin.CreateSubscription{Name: args[0], DisplayName: o.displayName, Scope: o.scope})
		if err != nil {
			return err
		}
		return writeKeys(env.Stdout, o.door.json, "created", keys)
	})
}

type rotateOptions struct {
	door *door
	key  string
}

func subscriptionRotateCommand() *command {
	return &command{
		name: "rotate", args: doorArgs + " [--key primary|secondary|both] [--json] NAME", short: "make a key of a subscription anew",
		long: `Makes the key anew and prints it, this once. The old one opens nothing from now
on. With one key at a time nobody is shut out: rotate the secondary key, have
callers move over to it, then rotate the primary key.

Role: operator.`,
		flags: func(fs *flag.FlagSet) any {
			o := &rotateOptions{door: declareDoor(fs)}
			fs.StringVar(&o.key, "key", "primary", "`WHICH`: primary, secondary or both")
			return o
		},
		examples: []entry{
			{"cloister subscription rotate --key secondary team-a", "a key to move over to"},
			{"cloister subscription rotate --key both team-a", "both keys are known to somebody who should not know them"},
		},
		failed: "there is no such subscription, or it was refused",
		min:    1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			o := opt.(*rotateOptions)
			switch o.key {
			case "primary", "secondary", "both":
			default:
				return &usageError{fmt.Sprintf("there is no key %q: primary, secondary or both", o.key)}
			}
			if err := keysSeen(env.Stdout); err != nil {
				return err
			}
			return o.door.do(ctx, env, func(ctx context.Context, c *admin.Client) error {
				keys, err := c.RotateKey(ctx, args[0], o.key)
				if err != nil {
					return err
				}
				return writeKeys(env.Stdout, o.door.json, "rotated", keys)
			})
		},
	}
}

// keysSeen refuses to make keys that nobody would ever see.
func keysSeen(w io.Writer) error {
	if f, ok := w.(*os.File); ok && thrownAway(f) {
		return mended(errors.New("standard output is closed, and keys are shown once: nothing was done"), "give it a terminal, a file or a pipe")
	}
	return nil
}

// writeKeys shows keys, which nobody can show again.
func writeKeys(w io.Writer, asJSON bool, done string, k admin.Keys) error {
	text := fmt.Sprintf("%s %s\n", done, printed(k.Name))
	for _, key := range [][2]string{{"primary", k.PrimaryKey}, {"secondary", k.SecondaryKey}} {
		if key[1] != "" {
			text += fmt.Sprintf("  %-13s  %s\n", key[0]+" key", key[1])
		}
	}
	text += "Shown this once. Callers send one as api-key.\n"
	if asJSON {
		b, err := json.Marshal(k)
		if err != nil {
			return err
		}
		text = string(b) + "\n"
	}
	if _, err := io.WriteString(w, text); err != nil {
		if nobodyReads(err) {
			err = errors.New("nobody reads standard output")
		}
		return mended(fmt.Errorf("%s %s, and its keys could not be shown: %w", done, printed(k.Name), err),
			"cloister subscription rotate --key both %s", shellQuote(k.Name))
	}
	return nil
}

// subscriptionAct is one of the acts that have no other argument than a name.
type subscriptionAct struct {
	name, done, short, long, then string
	call                          func(*admin.Client, context.Context, string) (admin.Subscription, error)
}

func subscriptionActCommand(a subscriptionAct) *command {
	return &command{
		name: a.name, args: doorArgs + " [--json] NAME", short: a.short, long: a.long + "\n\nRole: operator.",
		flags:    func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{{"cloister subscription " + a.name + " --dir site team-a", a.done + " within a second, everywhere"}},
		failed:   "there is no such subscription, it is the site's, or it was refused",
		min:      1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			d := opt.(*door)
			return d.do(ctx, env, func(ctx context.Context, c *admin.Client) error {
				s, err := a.call(c, ctx, args[0])
				if err != nil {
					return err
				}
				if d.json {
					return writeJSON(env.Stdout, s)
				}
				_, err = fmt.Fprintf(env.Stdout, "%s %s (scope %s): %s\n", a.done, printed(s.Name), printed(s.Scope), a.then)
				return err
			})
		},
	}
}
