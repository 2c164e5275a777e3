//go:build unix && !linux

package secret

func noCoreDumps() error { return noCoreFiles() }
