//go:build !unix

package cli

import "errors"

// monotonicMicroseconds: there is no service manager that would read it.
func monotonicMicroseconds() (int64, error) { return 0, errors.ErrUnsupported }
