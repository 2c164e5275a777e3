// Command cloister is private, zero-trust access to Azure OpenAI.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/cloister-ai/cloister/internal/cli"
)

// version and commit are set by the linker.
var version, commit string

func main() {
	// net/http's client logs there what a backend sends unasked, word for word:
	// it may be a completion. Nobody here writes to it; we have log/slog.
	log.SetOutput(io.Discard)
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Env{
		Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Signals: cli.Signals, Version: version, Commit: commit,
	}))
}
