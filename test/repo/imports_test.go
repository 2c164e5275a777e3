package repo

import (
	"fmt"
	"go/parser"
	"path"
	"slices"
	"strconv"
	"strings"
)

// rows is the table of allowed arrows: a room imports rooms of lower rows,
// that is of later lines, and none of its own row. A new room gets its place
// here first.
func rows() [][]string {
	return [][]string{
		{"cli"},
		{"app", "lab"},
		{"gateway", "admin", "connect", "emulator", "console"},
		{"policy"},
		{"access", "limit", "cache", "backend"},
		{"identity", "network", "openai", "telemetry"},
		{"audit", "secret", "store"},
		{"site", "csharp"},
	}
}

// place is where a package stands: its room and the room's row.
func place(room string) (row int, ok bool) {
	row = slices.IndexFunc(rows(), func(r []string) bool { return slices.Contains(r, room) })
	return row, row >= 0
}

// room is the room of a directory below the root: "gateway" of
// internal/gateway, "" of what is no room (cmd, test, examples).
func room(dir string) string {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "internal" && len(parts) > 1:
		return parts[1]
	case parts[0] == "console":
		return "console"
	}
	return ""
}

// checkImports finds arrows that the table does not allow.
func checkImports(tr tree) []string {
	var out []string
	for _, p := range tr.paths(".go") {
		fset, f := tr.parse(p, parser.ImportsOnly)
		for _, spec := range f.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			dir, ours := strings.CutPrefix(target, module+"/")
			if !ours {
				continue
			}
			if why := arrow(p, dir); why != "" {
				out = append(out, fmt.Sprintf("%s: imports %s: %s", fset.Position(spec.Pos()), dir, why))
			}
		}
	}
	return out
}

// arrow says why the file may not import the directory; "" when it may.
func arrow(file, dir string) string {
	isTest := strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "test/")
	from, to := room(path.Dir(file)), room(dir)
	switch {
	case to == "" && isTest && strings.HasPrefix(dir, "test/"):
		return "" // a tool or table that tests share
	case to == "":
		return "only rooms of internal are imported"
	case to == "testenv", strings.HasSuffix(dir, "test"):
		if isTest || from == "testenv" {
			return ""
		}
		return "it is for tests only"
	case to == "emulator" && from != "emulator" && from != "lab" && file != "internal/cli/up.go" && !isTest:
		return "only internal/cli/up.go, lab and tests import the emulator"
	case strings.HasPrefix(file, "test/"), to == "emulator" && isTest:
		return ""
	case path.Dir(file) == "cmd/cloister":
		if to == "cli" {
			return ""
		}
		return "main calls internal/cli and nothing else"
	case from == "":
		return "what is outside internal stands on its own"
	case from == to:
		return ""
	}
	return between(from, to, isTest)
}

// between judges an arrow from one room to another by the table. Tests use
// real parts where code takes an interface, so theirs may go sideways.
func between(from, to string, isTest bool) string {
	fromRow, ok := place(from)
	if !ok {
		return fmt.Sprintf("the room %s is not in the table of rows", from)
	}
	toRow, ok := place(to)
	switch {
	case !ok:
		return fmt.Sprintf("the room %s is not in the table of rows", to)
	case toRow == fromRow && isTest:
		return ""
	case toRow == fromRow:
		return "rooms of one row do not import each other"
	case toRow < fromRow:
		return "it stands in a higher row"
	}
	return ""
}
