//go:build unix

package limit

import (
	"fmt"
	"os"
)

func countEntries(dir string) (int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, fmt.Errorf("counting file descriptors: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0, fmt.Errorf("counting file descriptors: %w", err)
	}
	return len(names), nil
}
