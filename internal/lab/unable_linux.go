package lab

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// sysctls that forbid user namespaces, with the value that lets them be.
const (
	maxUserNamespaces = "/proc/sys/user/max_user_namespaces"
	appArmor          = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
	debianClone       = "/proc/sys/kernel/unprivileged_userns_clone"
)

// unable explains why namespaces could not be made. The files that it reads
// come from read.
func unable(err error, uid int, read func(string) ([]byte, error)) error {
	value := func(path string) string {
		text, err := read(path)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	setting := func(path, change string) error {
		name := strings.ReplaceAll(strings.TrimPrefix(path, "/proc/sys/"), "/", ".")
		mend := fmt.Sprintf("sudo sysctl -w %s=%s", name, change)
		if uid != 0 {
			mend += ", or run the lab as root, which needs no user namespace"
		}
		return &UnableError{Setting: name + " is " + value(path), Mend: mend, Err: err}
	}
	switch {
	case value(maxUserNamespaces) == "0":
		return setting(maxUserNamespaces, "15000")
	case value(debianClone) == "0" && uid != 0:
		return setting(debianClone, "1")
	case value(appArmor) == "1" && uid != 0:
		return setting(appArmor, "0")
	case errors.Is(err, syscall.ENOSPC):
		return &UnableError{Setting: "a limit on namespaces is reached (sysctl user)",
			Mend: "end what holds namespaces, or raise user.max_user_namespaces and user.max_net_namespaces", Err: err}
	case filtered(value("/proc/self/status")):
		return &UnableError{Setting: "a seccomp filter is on, as in containers",
			Mend: "run the container with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined", Err: err}
	}
	return &UnableError{Setting: "a security module or a container forbids it",
		Mend: "run the lab as root on a machine or in a virtual machine of its own", Err: err}
}

// filtered reads the line Seccomp of /proc/PID/status (proc(5)).
func filtered(status string) bool {
	for line := range strings.Lines(status) {
		if mode, ok := strings.CutPrefix(line, "Seccomp:"); ok {
			return strings.TrimSpace(mode) == "2"
		}
	}
	return false
}

// forbidden reports errors that mean that namespaces are not allowed.
func forbidden(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EUSERS)
}
