package admin

import "golang.org/x/sys/unix"

// peerUID is SO_PEERCRED's user (unix(7)).
func peerUID(fd int) (uint32, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
