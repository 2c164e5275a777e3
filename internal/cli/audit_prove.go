package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/audit"
)

type proveOptions struct {
	door       *door
	check, key string
}

// proof is a record with the proof that the log holds it: what "prove" prints
// and "prove --check" reads.
type proof struct {
	Index uint64 `json:"index"`
	// Record is byte for byte what the log holds.
	Record json.RawMessage `json:"record"`
	// Proof has the form of c2sp.org/tlog-proof.
	Proof string `json:"proof"`
}

func auditProveCommand() *command {
	return &command{
		name: "prove", args: doorArgs + " [--json] INDEX | --check FILE [--key KEY|FILE]", short: "prove to somebody else that the log holds a record",
		long: `Prints the record of that index and the proof that the log holds it, up to a
signed checkpoint. With --json it is one line, which is what --check reads.
A record has a proof once it is published, a second after it is on disk.
Role: auditor.

With --check it asks nobody: it says whether the proof in FILE holds under the
verifier key, and prints the record.`,
		flags: func(fs *flag.FlagSet) any {
			o := &proveOptions{door: declareDoor(fs)}
			fs.StringVar(&o.check, "check", "", "check the proof in `FILE`; -: standard input")
			fs.StringVar(&o.key, "key", "", "check with this `KEY`, or that in a file; default: audit.pub of the log in --dir")
			return o
		},
		examples: []entry{
			{"cloister audit prove --dir site --json 17 >proof.json", "for somebody who has the verifier key and not the log"},
			{"cloister audit prove --check proof.json --key audit.pub", "what they do with it"},
		},
		failed: "there is no such record yet, or the proof does not hold",
		max:    1, run: runAuditProve,
	}
}

func runAuditProve(ctx context.Context, env *Env, opt any, args []string) error {
	o := opt.(*proveOptions)
	if o.check != "" {
		if len(args) > 0 {
			return &usageError{fmt.Sprintf("--check takes the record from its file: %q is too much", args[0])}
		}
		return checkProof(env, o)
	}
	if o.key != "" {
		return &usageError{"--key goes with --check"}
	}
	if len(args) == 0 {
		return &usageError{"an argument is missing: INDEX, or --check FILE"}
	}
	index, err := strconv.ParseUint(args[0], 10, 62)
	if err != nil {
		return &usageError{fmt.Sprintf("%q is not the index of a record", args[0])}
	}
	return o.door.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
		p, err := proofOf(ctx, c, index)
		switch {
		case err != nil:
			return err
		case o.door.json:
			_, err = fmt.Fprintf(env.Stdout, `{"index":%d,"record":%s,"proof":%s}`+"\n", p.Index, p.Record, quoted(p.Proof))
		default:
			_, err = fmt.Fprintf(env.Stdout, "%s\n\n%s", printed(string(p.Record)), p.Proof)
		}
		return err
	})
}

// notPublished is what the door says of a record that has no proof yet.
const notPublished = "is not published"

// proofOf asks for a record and its proof.
func proofOf(ctx context.Context, c *admin.Client, index uint64) (*proof, error) {
	page, err := c.Audit(ctx, int64(index), 1)
	if err != nil {
		return nil, err
	}
	if len(page.Entries) != 1 || page.Entries[0].Index != index {
		return nil, mended(fmt.Errorf("there is no record %d: the log has %s, from 0 on", index, count(int(page.Size), "record")),
			"cloister audit tail shows the newest with their indexes")
	}
	found, err := c.AuditProof(ctx, index)
	if err != nil && strings.Contains(err.Error(), notPublished) {
		return nil, mended(fmt.Errorf("record %d is on disk and not published yet, and only what is published can be proved", index), "ask again in a second")
	}
	if err != nil {
		return nil, err
	}
	text, err := found.MarshalText()
	return &proof{index, page.Entries[0].Record, string(text)}, err
}

// quoted is s as a JSON string.
func quoted(s string) []byte {
	b, _ := json.Marshal(s) // a string marshals always
	return b
}

// maxProof bounds a file with a record and its proof.
const maxProof = 1 << 20

// checkProof says whether a proof holds.
func checkProof(env *Env, o *proveOptions) error {
	key, err := proofKey(o)
	if err != nil {
		return err
	}
	text, err := readInput(env, o.check, maxProof)
	if err != nil {
		return err
	}
	var p proof
	var found audit.Proof
	err = json.Unmarshal(text, &p)
	if err == nil {
		err = found.UnmarshalText([]byte(p.Proof))
	}
	if err != nil {
		return mended(fmt.Errorf("%s is not a proof: %w", o.check, err), "give what cloister audit prove --json has printed")
	}
	if found.Index != p.Index {
		return fmt.Errorf("%s: the proof is of record %d, and the file says %d", o.check, found.Index, p.Index)
	}
	if err := found.Check(key, p.Record); err != nil {
		return err
	}
	if o.door.json {
		_, err = fmt.Fprintf(env.Stdout, `{"ok":true,"index":%d,"record":%s}`+"\n", p.Index, p.Record)
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "holds: the log has record %d\n%s\n", p.Index, printed(string(p.Record)))
	return err
}

func proofKey(o *proveOptions) (string, error) {
	if o.key != "" {
		key, _, err := verifierKey(o.key, "")
		return key, err
	}
	dir := o.door.dir
	if dir == "" {
		dir = "."
	}
	logs, err := logDirectory(dir)
	if err != nil {
		return "", mended(err, "give the verifier key: --key KEY|FILE")
	}
	key, _, err := verifierKey("", logs)
	return key, err
}

// readInput reads a file, or standard input for "-", up to a bound in bytes.
func readInput(env *Env, path string, most int64) ([]byte, error) {
	f := env.stdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		f = file
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return b, err
}
