// Command cloister is private, zero-trust access to Azure OpenAI.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/cloister-ai/cloister/internal/cli"
)

// version and commit are set by the linker.
var version, commit string

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, cli.Signals()...)
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Signals: signals, Version: version, Commit: commit,
	}))
}
