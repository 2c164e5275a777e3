//go:build !unix

package secret

func noCoreDumps() error { return ErrCoreDumps }
