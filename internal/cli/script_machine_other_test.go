//go:build !linux

package cli

import "github.com/rogpeppe/go-internal/testscript"

func strangerCommand(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("Linux only") }

func smallDiskCommand(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("Linux only") }
