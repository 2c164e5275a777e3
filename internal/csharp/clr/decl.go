package clr

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

//go:embed decl/*.txt
var declarations embed.FS

// typeLines is a type as a file of declarations has it.
//
//	# System.Text.StringBuilder: sealed class : IDisposable     the type, its kind and bases
//	KEY = public int Length { get; set; } // notes              a member
//	- KEY = …                                                   one that Azure's list leaves out
//	  KEY = …                                                   one of a type that is reached, not listed
//	System.DayOfWeek.Monday = 1                                 a name of an enum
//	# System.Linq.Grouping<K, E>: class : IGrouping<K, E> [hidden]   no expression may name it
type typeLines struct {
	where string
	head  string
	lines []memberLine
	// hidden: values may have the type, and an expression may not name it.
	hidden bool
}

type memberLine struct {
	where             string
	key, sig, notes   string
	excluded, reached bool
}

// readDeclarations reads the files of declarations.
func readDeclarations(files fs.FS) ([]*typeLines, error) {
	names, err := fs.Glob(files, "decl/*.txt")
	if err != nil {
		return nil, err
	}
	var out []*typeLines
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		out, err = readDeclaration(out, name, string(text))
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readDeclaration(out []*typeLines, name, text string) ([]*typeLines, error) {
	var current *typeLines
	for i, line := range strings.Split(text, "\n") {
		where := fmt.Sprintf("%s:%d", name, i+1)
		switch {
		case strings.TrimSpace(line) == "", strings.HasPrefix(line, "## "):
		case strings.HasPrefix(line, "# "):
			current = &typeLines{where: where, head: line[2:]}
			out = append(out, current)
		case current == nil:
			return nil, fmt.Errorf("%s: a member stands before the first type", where)
		default:
			current.lines = append(current.lines, readMemberLine(where, line))
		}
	}
	return out, nil
}

func readMemberLine(where, line string) memberLine {
	m := memberLine{where: where, excluded: strings.HasPrefix(line, "- "), reached: strings.HasPrefix(line, " ")}
	line = strings.TrimSpace(strings.TrimPrefix(line, "- "))
	line, m.notes, _ = strings.Cut(line, " // ")
	if key, sig, ok := strings.Cut(line, " = "); ok {
		m.key, m.sig = key, sig
		return m
	}
	m.sig = line // a delegate's Invoke
	return m
}

// head is the parsed line of a type.
func (l *typeLines) parse() (d *syntax.TypeDecl, flags bool, err error) {
	name, rest, _ := strings.Cut(l.head, ": ")
	rest, flags = strings.CutSuffix(rest, " [Flags]")
	rest, l.hidden = strings.CutSuffix(rest, " [hidden]")
	kind, bases, _ := strings.Cut(rest, " : ")
	if kind == "delegate" {
		return l.parseDelegate(name)
	}
	text := kind + " " + name
	if bases != "" {
		text += " : " + bases
	}
	d, err = syntax.ParseTypeDecl(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %q: %w", l.where, text, err)
	}
	return d, flags, nil
}

func (l *typeLines) parseDelegate(name string) (*syntax.TypeDecl, bool, error) {
	if len(l.lines) != 1 {
		return nil, false, fmt.Errorf("%s: a delegate has one line: how it is called", l.where)
	}
	invoke, err := syntax.ParseSignature(l.lines[0].sig)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", l.lines[0].where, err)
	}
	d, err := syntax.ParseTypeDecl("class " + name)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", l.where, err)
	}
	d.Kind, d.Invoke = "delegate", invoke
	return d, false, nil
}
