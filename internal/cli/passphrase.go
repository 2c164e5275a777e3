package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// passphrase is one that a command needs, and where it may come from. It is
// never an argument: those stand in the list of processes, for everybody.
type passphrase struct {
	// file was given by a flag; empty: none was.
	file string
	// flag and variable are the other places, for messages.
	flag, variable string
	// prompt is the question on the terminal.
	prompt string
	// twice has it typed twice: a slip would lock what it seals for ever.
	twice bool
}

// passphrases is where a command takes its passphrases from.
type passphrases struct {
	env *Env
	// tty is open once somebody was asked.
	tty *terminal
}

// close gives the terminal back.
func (s *passphrases) close() {
	if s.tty != nil {
		s.tty.close()
	}
}

// read takes one from the flag's file, else from the variable, else from who
// sits at the terminal.
func (s *passphrases) read(ctx context.Context, p passphrase) (secret.Value, error) {
	if p.file != "" {
		return secret.Resolve(&site.SecretRef{File: p.file}, secret.Env{SiteDir: "."})
	}
	if _, ok := s.env.LookupEnv(p.variable); ok {
		return secret.Resolve(&site.SecretRef{Env: p.variable}, secret.Env{LookupEnv: s.env.LookupEnv})
	}
	if s.tty == nil {
		tty, err := openTerminal(ctx)
		if err != nil {
			return secret.Value{}, mended(fmt.Errorf("there is no terminal to ask for a passphrase: %w", err),
				"give --%s FILE, or set %s", p.flag, p.variable)
		}
		s.tty = tty
	}
	first, err := s.tty.ask(p.prompt + ": ")
	if err != nil || !p.twice {
		return first, err
	}
	second, err := s.tty.ask(p.prompt + ", once more: ")
	if err == nil && !first.Equal(second) {
		err = mended(errors.New("the two are not the same; nothing was changed"), "begin again")
	}
	return first, err
}
