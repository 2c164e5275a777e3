package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// options are the command line.
type options struct {
	gateway  string
	only     string
	markdown bool
}

func main() {
	if isGood() {
		exitOn(beGood())
		return
	}
	var opt options
	flag.StringVar(&opt.gateway, "gateway", "bin/cloister", "the built program")
	flag.StringVar(&opt.only, "only", "", "run the attacks whose names match this regular expression")
	flag.BoolVar(&opt.markdown, "markdown", false, "print the table in Markdown")
	flag.Parse()
	ok, err := run(opt)
	exitOn(err)
	if !ok {
		os.Exit(1)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// run runs the table and reports whether every bound held.
func run(opt options) (ok bool, err error) {
	only, err := regexp.Compile(opt.only)
	if err != nil {
		return false, fmt.Errorf("-only: %w", err)
	}
	program, err := filepath.Abs(opt.gateway)
	if err != nil {
		return false, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var chosen []attack
	for _, a := range attacks() {
		switch {
		case !only.MatchString(a.name):
		case a.needsRoot() && os.Geteuid() != 0:
			fmt.Fprintf(os.Stderr, "left out, it needs root: %s\n", a.name)
		default:
			chosen = append(chosen, a)
		}
	}
	reports := campaign{program: program, log: os.Stderr}.run(ctx, chosen)
	if opt.markdown {
		writeMarkdown(os.Stdout, reports)
	} else {
		writeTable(os.Stdout, reports)
	}
	ok = len(reports) > 0
	for _, r := range reports {
		ok = ok && len(r.broken) == 0
	}
	return ok, ctx.Err()
}
