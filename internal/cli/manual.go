package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// writeOverview is what "cloister" alone and "cloister --help" print.
func writeOverview(w io.Writer) {
	io.WriteString(w, `Cloister is private, zero-trust access to Azure OpenAI.

Usage:

  cloister COMMAND [ARGUMENTS]

Commands:

`)
	list := commands()
	for _, c := range list {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.short)
	}
	io.WriteString(w, `
Begin with "cloister up" on your machine, or "cloister init DIR" for a site.
"cloister COMMAND --help" is the manual of a command.
`)
}

// writeManual is a command's manual.
func writeManual(w io.Writer, path string, c *command) {
	fmt.Fprintf(w, "%s: %s.\n\nUsage:\n\n", path, c.short)
	if c.subcommands == nil {
		fmt.Fprintf(w, "  %s\n", strings.TrimSpace(path+" "+c.args))
	}
	for _, sub := range c.subcommands {
		fmt.Fprintf(w, "  %s\n", strings.TrimSpace(path+" "+sub.name+" "+sub.args))
	}
	if c.long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.long))
	}
	writeFlags(w, c)
	io.WriteString(w, "\nExit codes: 0 fine, 1 refused or failed, 2 the command line was not understood.\n")
	for _, sub := range c.subcommands {
		io.WriteString(w, "\n")
		writeManual(w, path+" "+sub.name, sub)
	}
}

func writeFlags(w io.Writer, c *command) {
	fs, _ := c.flagSet()
	head := "\nFlags:\n\n"
	fs.VisitAll(func(f *flag.Flag) {
		io.WriteString(w, head)
		head = ""
		name, usage := flag.UnquoteUsage(f)
		line := "--" + f.Name
		if name != "" {
			line += " " + name
		}
		fmt.Fprintf(w, "  %-22s %s", line, usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		io.WriteString(w, "\n")
	})
}
