package testenv

import (
	"net"
	"sync"
	"testing"
)

// Port returns a loopback port that was free a moment ago. Prefer to listen on
// port 0 and ask: between this call and the use another process may take it.
func Port(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if _, before := given.LoadOrStore(port, true); !before {
			return port
		}
	}
}

// given holds the ports that this process's tests were given: a test that asks
// for two gets two.
var given sync.Map
