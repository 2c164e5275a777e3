//go:build unix && !linux

package limit

// openFiles counts the open file descriptors.
func openFiles() (int, error) { return countEntries("/dev/fd") }
