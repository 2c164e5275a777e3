package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
)

// SocketName is the file by which a lab is joined, in the site's state directory.
const SocketName = "lab.sock"

// ErrNoLab: no lab of this site runs.
var ErrNoLab = errors.New("no lab of this site runs")

// Options say what [Start] brings up.
type Options struct {
	// Site is the directory of the site.
	Site string
	// Socket is where [Join] finds the lab, a path; empty: nobody joins.
	Socket string
	// Bare: hosts, rules and names alone, without gateway and services.
	Bare bool
	// Program is that whose "serve" is the gateway; empty: this one, as it was
	// started.
	Program string
	// Stderr takes what the lab and the gateway in it say; nil: nobody.
	Stderr *os.File
}

// Details are what a running lab tells of itself.
type Details struct {
	// Environment is what commands see besides their own.
	Environment []string `json:"environment"`
	// Site is the name of the site.
	Site string `json:"site"`
	// Notes are what the lab does not hold, in lines to be shown.
	Notes []string `json:"notes,omitempty"`
}

// Command is what [Lab.Run] runs.
type Command struct {
	// Host is a subnet, a network interface or another host, by name.
	Host string
	Argv []string
	// Env is the command's environment, to which the lab adds its own.
	Env []string
	// Dir is where it runs.
	Dir string
	// Stdin, Stdout and Stderr; nil: /dev/null.
	Stdin, Stdout, Stderr *os.File
	// Signals are passed on to the command.
	Signals <-chan os.Signal
	// Bare: the lab adds nothing to Env.
	Bare bool
}

// CannotRunError: the command did not come to run.
type CannotRunError struct {
	// Code is what a shell would exit with: 127, or 126.
	Code int
	text string
}

func (e *CannotRunError) Error() string { return e.text }

// Fault is one thing that is broken on purpose, see Lab.Faults.
type Fault struct {
	// From and To are hosts by name; empty: all.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Loss drops this share of the packets, 0 to 1; 1 cuts.
	Loss float64 `json:"loss,omitempty"`
	// Seed chooses the packets.
	Seed uint64 `json:"seed,omitempty"`
	// BitsPerSecond limits what From sends; 0: no limit.
	BitsPerSecond uint64 `json:"bitsPerSecond,omitempty"`
}

// UnableError: the kernel does not let this user make namespaces.
type UnableError struct {
	// Setting is what forbids it, with its value.
	Setting string
	// Mend is what can be done.
	Mend string
	Err  error
}

func (e *UnableError) Error() string {
	return fmt.Sprintf("this machine does not let the lab make namespaces (%v): %s; mend: %s", e.Err, e.Setting, e.Mend)
}

func (e *UnableError) Unwrap() error { return e.Err }

// Flow is one packet on which a rule decided, the first of its connection.
type Flow struct {
	// Rule is GROUP/NAME, NAME alone outside of groups, or [SpoofRule].
	Rule    string
	Allow   bool
	Inbound bool
	// Protocol is "tcp", "udp" …
	Protocol string
	From, To netip.AddrPort
}

// SpoofRule is the platform's own: a host sends from its own addresses alone.
const SpoofRule = "AntiSpoof"
