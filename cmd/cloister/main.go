// Command cloister is private, zero-trust access to Azure OpenAI.
package main

import (
	"context"
	"os"

	"github.com/cloister-ai/cloister/internal/cli"
)

// version and commit are set by the linker.
var version, commit string

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Env{
		Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Signals: cli.Signals, Version: version, Commit: commit,
	}))
}
