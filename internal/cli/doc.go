// Package cli is the command line: one file for each command, in a literal
// list.
//
// It guarantees that every command's --help is its whole manual (docs/cli.md
// is made of the same text), that results go to standard output and what went
// wrong to standard error, that --json output is one JSON document, and that
// exit codes mean the same everywhere: 0 fine, 1 refused or failed, 2 not
// understood. Colours appear on a terminal alone, and not with NO_COLOR.
//
// Commands that end by themselves end by a signal as any program does, and those
// that hold state or a terminal give it back first; "up" and "serve" drain at the
// first SIGINT or SIGTERM and cut at the second, and "serve" tells a service
// manager how it is. A pipe that nobody reads any more ends a command quietly.
//
// Commands at the operator's door (door) ask the gateway that owns the state
// directory, or a door over TLS, or act by the same door in this process while
// no gateway runs. Keys are printed once, on standard output, and a secret is
// never an argument.
//
// It holds no behaviour of its own beyond "up", which puts the development
// architecture together: what a command does is in the rooms below.
package cli
