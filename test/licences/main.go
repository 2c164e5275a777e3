// Command licences checks that what the project is built from may be passed
// on under its terms: "make licences".
//
// It looks at every module of the binary, on every platform that we build for,
// and of the tests. It guarantees that each has a licence text that is known
// word for word in its essential sentences (MIT, BSD with two or three
// clauses, Apache-2.0, ISC, MPL-2.0) and little else beside it, that NOTICE
// carries what their authors ask to be carried on, and that
// docs/dependencies.md has a line for each direct dependency and for nothing
// else. It reads the module cache, and no network.
//
// It prints one line for each module, then one for each fault, and fails when
// there is a fault: a text that it does not know is a fault, never a guess.
//
//	go run ./test/licences          check
//	go run ./test/licences -write   write NOTICE anew
//	go run ./test/licences -texts   print the licence texts, to ship with a binary
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	write := flag.Bool("write", false, "write NOTICE anew")
	texts := flag.Bool("texts", false, "print the licence texts of the binary's modules")
	flag.Parse()
	if err := run(os.Stdout, *write, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, write, texts bool) error {
	modules, err := listModules()
	if err != nil {
		return err
	}
	if texts {
		return printTexts(out, modules)
	}
	var faults []string
	for i := range modules {
		faults = append(faults, modules[i].classify()...)
		fmt.Fprintln(out, modules[i].line())
	}
	notice, err := makeNotice(modules)
	if err != nil {
		return err
	}
	if write {
		if err := os.WriteFile("NOTICE", notice, 0o644); err != nil {
			return err
		}
	}
	faults = append(faults, checkNotice("NOTICE", notice)...)
	faults = append(faults, checkDocument("docs/dependencies.md", modules)...)
	if len(faults) > 0 {
		slices.Sort(faults)
		return fmt.Errorf("%d fault(s)\n%s", len(faults), strings.Join(faults, "\n"))
	}
	fmt.Fprintf(out, "licences: %d modules, all fine\n", len(modules))
	return nil
}
