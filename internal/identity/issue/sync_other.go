//go:build !unix

package issue

// syncDir has nothing to do: directories cannot be opened for that here.
func syncDir(string) error { return nil }
