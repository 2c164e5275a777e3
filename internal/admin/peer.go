package admin

import (
	"errors"
	"fmt"
	"net"
	"os/user"
	"strconv"
)

// peer is who is at the other end of a Unix socket, as the kernel says.
type peer struct {
	uid uint32
	err error
}

// String is the actor in logs: "os:UID:NAME".
func (p peer) String() string {
	if p.err != nil {
		return "os:unknown"
	}
	name := ""
	if u, err := user.LookupId(strconv.FormatUint(uint64(p.uid), 10)); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("os:%d:%s", p.uid, name)
}

func peerOf(c net.Conn) peer {
	unix, ok := c.(*net.UnixConn)
	if !ok {
		return peer{err: errors.New("not a Unix socket")}
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return peer{err: err}
	}
	var p peer
	if err := raw.Control(func(fd uintptr) { p.uid, p.err = peerUID(int(fd)) }); err != nil {
		return peer{err: err}
	}
	return p
}
