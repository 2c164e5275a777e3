package cli

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strings"
)

// width is how long lines of a manual get where text is broken into lines.
const width = 80

// writeOverview is what "cloister" alone and "cloister --help" print.
func writeOverview(w io.Writer) {
	io.WriteString(w, `Cloister is private, zero-trust access to Azure OpenAI.

Usage:

  cloister COMMAND [ARGUMENTS]

Commands:

`)
	list := commands()
	for _, c := range list {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.short)
	}
	io.WriteString(w, `
Begin with "cloister up" on your machine, or "cloister init DIR" for a site.
"cloister COMMAND --help" is the manual of a command.

Exit codes:

  0  fine
  1  refused or failed
  2  the command line was not understood

Environment:

  NO_COLOR  no colours, on a terminal neither
`)
}

// writeManual is a command's manual, with those of its subcommands.
func writeManual(w io.Writer, path string, c *command) {
	writeOwnManual(w, path, c)
	for _, sub := range c.subcommands {
		io.WriteString(w, "\n\n")
		writeManual(w, path+" "+sub.name, sub)
	}
}

// writeOwnManual is a command's manual alone.
func writeOwnManual(w io.Writer, path string, c *command) {
	fmt.Fprintf(w, "%s: %s.\n\nUsage:\n\n", path, c.short)
	if c.subcommands == nil {
		writeUsage(w, path, c.args)
	}
	for _, sub := range c.subcommands {
		writeUsage(w, path+" "+sub.name, sub.args)
	}
	if c.long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.long))
	}
	writeList(w, "Flags", 22, flagEntries(c))
	writeExamples(w, c.examples)
	writeList(w, "Files", 22, c.files)
	if c.subcommands == nil {
		writeList(w, "Exit codes", 2, []entry{
			{"0", "fine"},
			{"1", cmp.Or(c.failed, "it failed; standard error says why")},
			{"2", "the command line was not understood"},
		})
	}
}

// writeUsage writes a command line; one that is too long goes on below, broken
// between its parts.
func writeUsage(w io.Writer, path, args string) {
	line, depth := "  "+path, 0
	for part := range strings.FieldsFuncSeq(args, func(r rune) bool {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		return r == ' ' && depth == 0
	}) {
		if len(line)+1+len(part) > width {
			fmt.Fprintln(w, line)
			line = "     "
		}
		line += " " + part
	}
	fmt.Fprintln(w, line)
}

func flagEntries(c *command) []entry {
	var out []entry
	fs, _ := c.flagSet()
	fs.VisitAll(func(f *flag.Flag) {
		name, usage := flag.UnquoteUsage(f)
		e := entry{dashes(f.Name) + f.Name, usage}
		if name != "" {
			e.name += " " + name
		}
		if f.DefValue != "" && f.DefValue != "false" {
			e.text += " (default " + f.DefValue + ")"
		}
		out = append(out, e)
	})
	return out
}

// dashes are what a flag's name begins with.
func dashes(name string) string {
	if len(name) == 1 {
		return "-"
	}
	return "--"
}

// writeList writes names with their texts, which begin in one column.
func writeList(w io.Writer, title string, column int, list []entry) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n\n", title)
	indent := strings.Repeat(" ", column+3)
	for _, e := range list {
		lines := wrap(e.text, width-len(indent))
		if len(e.name) > column {
			fmt.Fprintf(w, "  %s\n%s%s\n", e.name, indent, lines[0])
		} else {
			fmt.Fprintf(w, "  %-*s %s\n", column, e.name, lines[0])
		}
		for _, l := range lines[1:] {
			fmt.Fprintf(w, "%s%s\n", indent, l)
		}
	}
}

// writeExamples writes command lines that can be pasted, each below what it
// does.
func writeExamples(w io.Writer, list []entry) {
	if len(list) == 0 {
		return
	}
	io.WriteString(w, "\nExamples:\n")
	for _, e := range list {
		fmt.Fprintf(w, "\n  # %s\n", e.text)
		for line := range strings.Lines(e.name) {
			fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

// wrap breaks text between words into lines of at most n bytes.
func wrap(text string, n int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= n:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
