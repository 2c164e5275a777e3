//go:build unix

package app

import "golang.org/x/sys/unix"

// mayWrite reports whether this user may write to a file that there is.
func mayWrite(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// mayMake reports whether this user may make a file in a directory.
func mayMake(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }
