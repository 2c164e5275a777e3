package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
)

func versionCommand() *command {
	return &command{
		name: "version", args: "[--json]", short: "say which program this is",
		long: `Prints version, commit, Go version, platform and whether the Go Cryptographic
Module runs in FIPS 140-3 mode (GODEBUG=fips140=on).`,
		flags: jsonFlag,
		examples: []entry{
			{"cloister version", "for a report of a problem"},
			{"GODEBUG=fips140=on cloister version", "does this machine run it in FIPS 140-3 mode?"},
		},
		run: runVersion,
	}
}

// jsonFlag is the one flag of commands that have no other.
func jsonFlag(fs *flag.FlagSet) any { return fs.Bool("json", false, "print JSON for programs") }

func runVersion(_ context.Context, env *Env, opt any, _ []string) error {
	b := env.build
	if *opt.(*bool) {
		return writeJSON(env.Stdout, b)
	}
	commit, fips := b.Commit, "off"
	if commit == "" {
		commit = "unknown"
	}
	if b.FIPS {
		fips = "on"
	}
	_, err := fmt.Fprintf(env.Stdout, "cloister %s\ncommit   %s\nbuilt by %s for %s\nFIPS     %s\n", b.Version, commit, b.GoVersion, b.Platform, fips)
	return err
}

// writeJSON writes one indented document.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
