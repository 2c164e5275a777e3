//go:build !linux

package nft

import (
	"context"
	"errors"

	"github.com/cloister-ai/cloister/internal/network/nsg"
)

var errLinux = errors.New("security rules are put into the kernel of Linux alone; mend: run this on Linux")

// Install needs Linux.
func Install(*nsg.Rules, []Device, Options) (*nsg.Ruleset, error) { return nil, errLinux }

// Remove needs Linux.
func Remove(Options) error { return errLinux }

// Watch needs Linux.
func Watch(context.Context, uint16, func(Event)) error { return errLinux }
