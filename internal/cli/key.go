package cli

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cloister-ai/cloister/internal/secret"
)

// Where passphrases may stand in the environment.
const (
	passphraseVariable    = "CLOISTER_PASSPHRASE"
	newPassphraseVariable = "CLOISTER_NEW_PASSPHRASE"
)

func keyCommand() *command {
	return &command{
		name: "key", args: "create|passphrase|rotate", short: "keep the keys that seal the state",
		long: `What a gateway keeps is sealed by a data key, and the data keys are sealed by a
key-encryption key where state.encryption of cloister.yaml names one: a key in
Azure Key Vault, or a key file that a passphrase seals (argon2id). Without one
the data keys lie in the state directory in clear (mode 0600).

A passphrase is never an argument. It is taken from --passphrase-file, else from
the variable ` + passphraseVariable + `, else asked for on the terminal.`,
		subcommands: []*command{keyCreateCommand(), keyPassphraseCommand(), keyRotateCommand()},
	}
}

func keyCreateCommand() *command {
	return &command{
		name: "create", args: "[--passphrase-file FILE] FILE", short: "make a key file",
		long: `Makes a key-encryption key and writes it to FILE (mode 0600), sealed by a
passphrase of at least 12 bytes: take five random words. Keep a copy of both
apart from the machine: whoever has lost one of them has lost the state.`,
		flags: func(fs *flag.FlagSet) any {
			return fs.String("passphrase-file", "", "read the passphrase from `FILE`, which nobody else can read")
		},
		examples: []entry{
			{"cloister key create site/keys/state.key", "ask for the passphrase twice"},
			{`install -m 600 /dev/null passphrase
openssl rand -base64 24 >passphrase
cloister key create --passphrase-file passphrase state.key`, "with a passphrase that nobody has to type"},
		},
		files:  []entry{{"FILE", "the key; nothing is written over a file that is there"}},
		failed: "the passphrase is too short, or the file is there or cannot be written",
		min:    1, max: 1, run: runKeyCreate,
	}
}

func runKeyCreate(ctx context.Context, env *Env, opt any, args []string) error {
	if _, err := os.Lstat(args[0]); err == nil { // told before anything is asked
		return mended(fmt.Errorf("%s is there already", args[0]), "it may be the only way to open what it sealed: choose another name")
	}
	if dir := filepath.Dir(args[0]); !isDirectory(dir) {
		return mended(fmt.Errorf("there is no directory %s", dir), "make it, with mode 700")
	}
	ctx, free := interruptible(ctx, env)
	defer free()
	from := &passphrases{env: env}
	defer from.close()
	words, err := from.read(ctx, passphrase{
		file: *opt.(*string), flag: "passphrase-file", variable: passphraseVariable, prompt: "Passphrase for " + printed(args[0]), twice: true,
	})
	if err != nil {
		return err
	}
	key, err := secret.CreateKeyFile(args[0], words, rand.Reader)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, `made %s, %s
Keep a copy of it and of its passphrase elsewhere. In cloister.yaml, with the
place where the passphrase rests:
  state: {encryption: {keyFile: {file: %q, passphrase: {credential: state-passphrase}}}}
`, printed(args[0]), key.ID(), path)
	return err
}

type keyPassphraseOptions struct{ old, new string }

func keyPassphraseCommand() *command {
	return &command{
		name: "passphrase", args: "[--passphrase-file FILE] [--new-passphrase-file FILE] FILE", short: "change the passphrase of a key file",
		long: `Seals the key in FILE by another passphrase. The key stays the same, and so does
all that it has sealed: a gateway that runs is not asked, and needs the new
passphrase at its next start. Copies of the file keep the old passphrase. A crash
leaves the file as it was or as it is to be.

The new passphrase may stand in the variable ` + newPassphraseVariable + `.`,
		flags: func(fs *flag.FlagSet) any {
			o := &keyPassphraseOptions{}
			fs.StringVar(&o.old, "passphrase-file", "", "read the passphrase in force from `FILE`")
			fs.StringVar(&o.new, "new-passphrase-file", "", "read the new one from `FILE`")
			return o
		},
		examples: []entry{{"cloister key passphrase site/keys/state.key", "ask for the old one, and for the new one twice"}},
		files:    []entry{{"FILE", "the key, replaced as a whole"}},
		failed:   "the passphrase is wrong, the new one is too short, or the file cannot be written",
		min:      1, max: 1, run: runKeyPassphrase,
	}
}

func runKeyPassphrase(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*keyPassphraseOptions)
	ctx, free := interruptible(ctx, env)
	defer free()
	from := &passphrases{env: env}
	defer from.close()
	old, err := from.read(ctx, passphrase{
		file: o.old, flag: "passphrase-file", variable: passphraseVariable, prompt: "Passphrase of " + printed(args[0]),
	})
	if err != nil {
		return err
	}
	// A wrong one is told before the new one is asked for.
	if _, err := secret.OpenKeyFile(args[0], old, rand.Reader); err != nil {
		return err
	}
	fresh, err := from.read(ctx, passphrase{
		file: o.new, flag: "new-passphrase-file", variable: newPassphraseVariable, prompt: "New passphrase", twice: true,
	})
	if err != nil {
		return err
	}
	if err := secret.ChangePassphrase(args[0], old, fresh, rand.Reader); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "changed: %s opens by the new passphrase; copies of it by the old one\n", printed(args[0]))
	return err
}
