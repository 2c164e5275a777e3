package admin

import (
	"context"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// SocketName is the socket's name in the state directory.
const SocketName = "admin.sock"

// Actions is what the gateway does when it is asked to. Errors are shown to the
// operator.
type Actions struct {
	Reload func(context.Context) (Reloaded, error)
	Status func(context.Context) (Status, error)
}

// Reloaded is the answer to POST /v1/reload.
type Reloaded struct {
	// Accepted: the new site is in force.
	Accepted bool `json:"accepted"`
	// Before and After are the digests of the sites in force.
	Before string `json:"before"`
	After  string `json:"after"`
	// Problems of the new site.
	Problems site.Problems `json:"problems"`
}

// Status is the answer to GET /v1/status.
type Status struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Site    string    `json:"site"`
	Digest  string    `json:"digest"`
	Ready   bool      `json:"ready"`
	// Listeners are the addresses that callers connect to.
	Listeners []string `json:"listeners"`
	// Requests and Connections are those that are open now.
	Requests    int `json:"requests"`
	Connections int `json:"connections"`
}

// failure is the answer to a call that failed.
type failure struct {
	Error string `json:"error"`
}
