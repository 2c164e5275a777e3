//go:build !unix

package app

import "errors"

// takeSocket: no service manager of this platform passes sockets so.
func takeSocket(int, string) (Socket, error) {
	return Socket{}, errors.New("this platform passes no sockets; mend: unset LISTEN_PID")
}
