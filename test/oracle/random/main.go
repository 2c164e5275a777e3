// Command random makes random expressions and asks a real C# compiler and the
// built program about them. What they disagree on it prints, as small as it
// gets, and exits with 1.
//
//	go run ./test/oracle/random -seed 7 -n 5000 -cloister bin/cloister
//	go run ./test/oracle/random -print -n 20      the expressions and Mono's answers
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/cloister-ai/cloister/test/oracle"
	"github.com/cloister-ai/cloister/test/oracle/mono"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "random:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	seed := flag.Uint64("seed", 1, "the seed; the same one makes the same expressions")
	n := flag.Int("n", 5000, "how many expressions")
	most := flag.Int("most", 10, "how many differences to make small and print")
	cloister := flag.String("cloister", "bin/cloister", "the program to ask")
	print := flag.Bool("print", false, "ask only the compiler, and print what it says")
	flag.Parse()
	m, err := mono.Find(ctx)
	if err != nil {
		return err
	}
	if *print {
		return show(ctx, m, *seed, *n)
	}
	found, tally, err := oracle.Hunt(ctx, m.Evaluator(), oracle.Command(*cloister), *seed, *n, *most)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d: %d values, %d exceptions, %d refused, %d without an answer\n", *seed, tally.Values, tally.Exceptions, tally.Refused, tally.Nothing)
	for _, f := range found {
		fmt.Printf("\n%s\n  C#:   %s\n  ours: %s\n  %s\n  from: %s\n", f.Expression, f.Truth, f.Ours, f.Difference, f.Original)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d differences", len(found))
	}
	return nil
}

func show(ctx context.Context, m *mono.Mono, seed uint64, n int) error {
	var questions []oracle.Question
	for _, e := range oracle.Generate(seed, n) {
		questions = append(questions, oracle.Question{Context: oracle.RandomContext, Expression: e.String()})
	}
	answers, err := m.Evaluator()(ctx, questions)
	if err != nil {
		return err
	}
	for i, q := range questions {
		fmt.Printf("%s\n  %s\n", q.Expression, answers[i])
	}
	return nil
}
