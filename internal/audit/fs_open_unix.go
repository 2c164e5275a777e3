//go:build !windows

package audit

import "syscall"

// guardedFlags keep an open from waiting for the other end of a pipe, and from
// following a link to somewhere else.
const guardedFlags = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
