package testenv

import (
	"net"
	"testing"
)

// Port returns a loopback port that was free a moment ago. Prefer to listen on
// port 0 and ask: between this call and the use another process may take it.
func Port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
