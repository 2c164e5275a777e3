//go:build !linux

package lab

import (
	"context"
	"errors"
	"github.com/cloister-ai/cloister/internal/site"
	"runtime"
)

// Lab is a running lab; there is none but on Linux.
type Lab struct{}

var errNeedsLinux = errors.New("the lab is made of Linux's network namespaces, and this is " + runtime.GOOS + "; mend: run it on Linux, in a virtual machine or in WSL")

// Main does nothing here.
func Main() {}

// Start says that the lab needs Linux.
func Start(context.Context, Options) (*Lab, error) { return nil, errNeedsLinux }

// Join says that the lab needs Linux.
func Join(context.Context, string) (*Lab, error) { return nil, errNeedsLinux }

// Plan is empty.
func (*Lab) Plan() *Plan { return nil }

// Details are empty.
func (*Lab) Details() Details { return Details{} }

// Ended is closed.
func (*Lab) Ended() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Close does nothing.
func (*Lab) Close() {}

// Run says that the lab needs Linux.
func (*Lab) Run(context.Context, Command) (int, error) { return 0, errNeedsLinux }

// Verify says that the lab needs Linux.
func (*Lab) Verify(context.Context, *site.Site, uint64) (*Report, error) { return nil, errNeedsLinux }
