package sdk

import (
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// TestNode runs node/*.test.mjs with Node's own test runner.
func TestNode(t *testing.T) {
	up := testenv.Up(t)
	// The CA is all that a Node application is told besides the address.
	testenv.NodeTests(t, "*.test.mjs", 18, append(up.Environ(), "NODE_EXTRA_CA_CERTS="+up.Env["CLOISTER_CA"]))
}
