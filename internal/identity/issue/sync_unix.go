//go:build unix

package issue

import (
	"errors"
	"fmt"
	"os"
)

// syncDir brings a directory's entries to the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("making %s durable: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("making %s durable: %w", dir, err)
	}
	return nil
}
