// Command profiled is "cloister serve" with the CPU profiler on, for
// "make bench PROFILE=FILE".
//
// It runs the site by the same code, internal/app, as the product does. The
// product itself has no door for profiles: what looks into a process sees
// secrets.
//
// It writes the profile when SIGTERM comes, and fails when the site does not
// start.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/cloister-ai/cloister/internal/app"
	"github.com/cloister-ai/cloister/internal/secret"
)

func main() {
	file := flag.String("profile", "", "where to write the profile")
	flag.Parse()
	if err := run(*file, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		os.Exit(1)
	}
}

func run(file, dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	process, problems, err := app.Start(ctx, app.Options{
		Dir: dir, Secrets: secret.Env{LookupEnv: os.LookupEnv},
		Stdout: os.Stdout, Stderr: io.Discard, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	if process == nil {
		return problems.Err()
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case err = <-process.Failed():
	}
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	if err := process.Shutdown(context.Background()); err != nil {
		return err
	}
	return f.Close()
}
