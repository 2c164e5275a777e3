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

// String is the actor in records: "os:UID:NAME".
func (p peer) String() string {
	if p.err != nil {
		return "os:unknown"
	}
	return osActor(p.uid)
}

func osActor(uid uint32) string {
	name := ""
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("os:%d:%s", uid, name)
}

// OSActor is the actor of a process of this machine's user, who may do
// whatever the owner of the state directory may: it opened the directory.
func OSActor(uid int) Actor {
	return Actor{Name: osActor(uint32(uid)), Roles: AllRoles()}
}

// actor gives every role to root and the owner, and none to anybody else.
func (p peer) actor(owner uint32) Actor {
	a := Actor{Name: p.String(), Err: p.err}
	if p.err == nil && (p.uid == 0 || p.uid == owner) {
		a.Roles = AllRoles()
	} else {
		a.Mend = "only the gateway's own user and root may call"
	}
	return a
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
