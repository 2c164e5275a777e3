package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"

	"github.com/cloister-ai/cloister/internal/policy"
)

type policyFormatOptions struct{ check, write bool }

func policyFormatCommand() *command {
	return &command{
		name: "format", args: "[--check|--write] PATH...", short: "format policy documents",
		long: `Writes policy documents, one file or every .xml file of a folder, in one form:
one element a line, four blanks for each level, one blank between attributes,
comments where they stand, no more than one empty line in a row. Texts,
expressions and what is in set-body stay byte for byte, and the result is read
again: a document that would mean something else is left alone and named.

Without a flag the one document is printed. --write changes files in place;
--check changes nothing and names the files that would change.`,
		flags: func(fs *flag.FlagSet) any {
			o := &policyFormatOptions{}
			fs.BoolVar(&o.check, "check", false, "name the files that are not formatted")
			fs.BoolVar(&o.write, "write", false, "change the files")
			return o
		},
		examples: []entry{
			{"cloister policy format policy.xml", "print one document formatted"},
			{"cloister policy format --write site", "format every document of a site"},
			{"cloister policy format --check site", "in a pipeline"},
		},
		failed: "a document has errors, or with --check is not formatted",
		min:    1, max: math.MaxInt, run: runPolicyFormat,
	}
}

func runPolicyFormat(_ context.Context, env *Env, opt any, args []string) error {
	o := opt.(*policyFormatOptions)
	if o.check && o.write {
		return &usageError{"--check or --write, not both"}
	}
	var files []string
	for _, path := range args {
		found, err := policyDocuments(path)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	if !o.check && !o.write && len(files) > 1 {
		return &usageError{"several documents: give --write to change them, or --check"}
	}
	bad := false
	for _, name := range files {
		changed, err := formatFile(env, o, name)
		if err != nil && !errors.Is(err, errSilent) {
			return err
		}
		bad = bad || err != nil || changed && o.check
	}
	return failedIf(bad)
}

// formatFile formats one file. The error is errSilent where it has been told.
func formatFile(env *Env, o *policyFormatOptions, name string) (changed bool, err error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	out, problems := policy.Format(name, source)
	if problems.HasErrors() {
		var b bytes.Buffer
		writeProblems(&b, coloursFor(env.Stderr, env), onlyErrors(problems))
		if _, err := env.Stderr.Write(b.Bytes()); err != nil {
			return false, err
		}
		return false, errSilent
	}
	changed = !bytes.Equal(source, out)
	switch {
	case !o.check && !o.write:
		_, err = env.Stdout.Write(out)
	case !changed:
	case o.check:
		_, err = fmt.Fprintf(env.Stdout, "%s\n", printed(name))
	default:
		info, statErr := os.Stat(name)
		if statErr != nil {
			return false, statErr
		}
		if err = replaceFile(name, out, info.Mode().Perm()); err == nil {
			_, err = fmt.Fprintf(env.Stdout, "%s\n", printed(name))
		}
	}
	return changed, err
}
