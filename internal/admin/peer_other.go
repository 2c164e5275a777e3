//go:build !linux && !darwin

package admin

import "errors"

// peerUID: nobody has a role on a platform that does not say who calls.
func peerUID(int) (uint32, error) {
	return 0, errors.New("this platform does not say who is at the other end of a Unix socket")
}
