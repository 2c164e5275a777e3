package limit

import (
	"fmt"
	"os"
)

// openFiles counts the open file descriptors. Linux tells the number as the
// size of the directory since 6.2; before, its entries have to be counted.
func openFiles() (int, error) {
	const dir = "/proc/self/fd"
	info, err := os.Stat(dir)
	if err != nil {
		return 0, fmt.Errorf("counting file descriptors: %w; mend: mount /proc", err)
	}
	if n := info.Size(); n > 0 {
		return int(n), nil
	}
	return countEntries(dir)
}
