package lab

import "syscall"

// setup is the first message to the inner process.
type setup struct {
	// Nonce is the environment's: only who was started by this program knows it.
	Nonce string
	// Site is the directory of the site, absolute.
	Site string
	// UserNamespace: it has one of its own.
	UserNamespace bool
	// UID and GID are the user's, whom commands run as.
	UID, GID int
	// Socket is the path of the listening socket that comes along; empty: none
	// does.
	Socket string
	// Serve: the gateway and the emulated services run.
	Serve bool
	// Program is that whose "serve" is the gateway; empty: this one.
	Program string
}

// ready answers setup.
type ready struct {
	Err string
	// Denied: the kernel refused what a namespace's owner may do.
	Denied  bool
	Plan    *Plan
	Details Details
}

// request is the first message of a connection: one of its fields is set.
type request struct {
	// Connection hands over another connection. Over the control socket alone.
	Connection bool           `json:",omitempty"`
	Describe   bool           `json:",omitempty"`
	Exec       *execRequest   `json:",omitempty"`
	Socket     *socketRequest `json:",omitempty"`
	Flows      bool           `json:",omitempty"`
	Counter    bool           `json:",omitempty"`
	Faults     *[]Fault       `json:",omitempty"`
	Verify     *verifyRequest `json:",omitempty"`
}

// reply answers a request that asks for one thing.
type reply struct {
	Err     string `json:",omitempty"`
	Ready   *ready `json:",omitempty"`
	Packets uint64 `json:",omitempty"`
	// Attempts answer verify.
	Attempts []Attempt `json:",omitempty"`
}

// verifyRequest has the rules put to the test.
type verifyRequest struct{ Seed uint64 }

// execRequest comes with standard input, output and error.
type execRequest struct {
	Host string
	// Path of the program; empty: Argv[0], looked for.
	Path string
	Argv []string
	Env  []string
	Dir  string
	// Terminal: standard input is the terminal of the outer process, which has
	// it: the command gets it.
	Terminal bool
	// Bare: no more than the environment that was sent.
	Bare bool
}

// toCommand is what the outer process says about a command that runs.
type toCommand struct {
	Signal syscall.Signal `json:",omitempty"`
	// Continue a command that was stopped; with Foreground it gets the terminal.
	Continue, Foreground bool `json:",omitempty"`
}

// fromCommand is what happens to it.
type fromCommand struct {
	Err string `json:",omitempty"`
	// PID in the lab's process namespace, once it has started.
	PID     int  `json:",omitempty"`
	Stopped bool `json:",omitempty"`
	Ended   bool `json:",omitempty"`
	Code    int  `json:",omitempty"`
	// Signal that ended it.
	Signal syscall.Signal `json:",omitempty"`
}

// socketRequest asks for an open socket in a host's namespace.
type socketRequest struct {
	Host string
	// Datagram: UDP.
	Datagram bool
	Six      bool
	// Spoof lets the socket be bound to an address that the host does not have.
	Spoof bool
}
