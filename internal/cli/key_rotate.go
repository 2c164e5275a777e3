package cli

import (
	"context"
	"flag"
	"fmt"

	"github.com/cloister-ai/cloister/internal/admin"
)

func keyRotateCommand() *command {
	return &command{
		name: "rotate", args: "[--dir DIR | --server URL …] [--json]", short: "take a new data key into use",
		long: `Makes a new data key, seals all state with it, and has the newest version of the
key-encryption key seal the data keys, while the gateway serves. Subscription
keys stay as they are. A kill in between loses nothing: do it again.

Role: operator.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister key rotate --dir site", "after a new version of the key in Key Vault, or on a schedule"},
		},
		failed: "it was refused, or the vault or the database does not answer",
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			d := opt.(*door)
			return d.do(ctx, env, func(ctx context.Context, c *admin.Client) error {
				r, err := c.RotateState(ctx)
				if err != nil {
					return err
				}
				if d.json {
					return writeJSON(env.Stdout, r)
				}
				sealed := "no key-encryption key: the data keys lie in the state directory in clear"
				if r.KeyEncryptionKey != "" {
					sealed = "sealed by " + r.KeyEncryptionKey
				}
				_, err = fmt.Fprintf(env.Stdout, "rotated: data key %s, %s\n", printed(r.DataKey), printed(sealed))
				return err
			})
		},
	}
}
