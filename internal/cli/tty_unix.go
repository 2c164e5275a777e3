//go:build unix

package cli

import "os"

// openTTY opens the controlling terminal.
func openTTY() (in, out *os.File, err error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	return f, f, err
}
