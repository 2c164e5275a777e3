package site

import (
	"fmt"
	"regexp"
	"strings"
)

// paste gives the lines that add an entry to cloister.yaml, and says where they
// go: into what the file has already of the objects and lists named by path, in
// its indentation, or to its end. The entry is key and value in YAML's flow
// style; without a key it is an element of a list. A nil c stands for a file
// that could not be read.
func (c *decodedConfig) paste(path []string, key, value string) string {
	file, depth, at := "cloister.yaml", 0, Pos{}
	if c != nil {
		file = c.src.path
		for n := len(path); n > 0 && depth == 0; n-- {
			if pos, ok := c.places[strings.Join(path[:n], ".")]; ok {
				depth, at = n, pos
			}
		}
	}
	style := byte(0)
	switch {
	case depth > 0:
		style = c.src.at(at)
	case c != nil && c.src.at(c.Pos) == '{':
		at, style = c.Pos, '{'
	}
	where := file
	if depth > 0 {
		where = strings.Join(path[:depth], ".") + " in " + file
	}
	if depth > 0 && c.nulls[strings.Join(path[:depth], ".")] {
		return c.pasteIntoNothing(where, path[depth:], key, value, at)
	}
	switch style {
	case '{', '[':
		return fmt.Sprintf("add to %s, behind the %c at %d:%d:\n%s,", where, style, at.Line, at.Column, flowEntry(path[depth:], key, value))
	case '&', '*', '!':
		// The text of an anchor or a tag stands before what it holds.
		return fmt.Sprintf("add to %s:\n%s", where, blockEntry(path[depth:], key, value, ""))
	}
	if depth == 0 {
		return fmt.Sprintf("add to %s:\n%s", where, blockEntry(path, key, value, ""))
	}
	return fmt.Sprintf("add to %s, above line %d:\n%s", where, at.Line, blockEntry(path[depth:], key, value, strings.Repeat(" ", at.Column-1)))
}

// blockEntry is an entry below the names that the file has not yet.
func blockEntry(names []string, key, value, indent string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%s%s:\n", indent, n)
		indent += "  "
	}
	if key == "" {
		return b.String() + indent + "- " + value
	}
	return b.String() + indent + yamlName(key) + ": " + value
}

func flowEntry(names []string, key, value string) string {
	entry := value
	if key != "" {
		entry = yamlName(key) + ": " + value
	}
	for i := len(names) - 1; i >= 0; i-- {
		switch {
		case i < len(names)-1 || key != "":
			entry = names[i] + ": {" + entry + "}"
		default:
			entry = names[i] + ": [" + entry + "]"
		}
	}
	return entry
}

// yamlName is a name as it stands in YAML, in quotes where it has to.
func yamlName(s string) string {
	if regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`).MatchString(s) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// at is the byte at a place, zero where the file has none.
func (s *source) at(pos Pos) byte {
	if pos.Line < 1 || pos.Line > len(s.starts) {
		return 0
	}
	if offset := s.starts[pos.Line-1] + pos.Column - 1; offset < len(s.data) {
		return s.data[offset]
	}
	return 0
}

// pasteDestination lists e in a class.
func (c *decodedConfig) pasteDestination(class string, e endpoint, public bool) string {
	entry := fmt.Sprintf("{host: %q, port: %d}", e.host, e.port)
	if public {
		entry = fmt.Sprintf("{host: %q, port: %d, public: true}", e.host, e.port)
	}
	return c.paste([]string{"destinations", class}, "", entry)
}

// pasteIntoNothing adds an entry to a name without a value: below the name, or,
// where "null" is written out, in its stead.
func (c *decodedConfig) pasteIntoNothing(where string, names []string, key, value string, at Pos) string {
	line, _ := sourceLine(c.src.data, at.Line)
	text := string(line)
	if m := regexp.MustCompile(`^( *)((?:- +)*)[^\s{\[,#][^{\[,#]*:\s*(#.*)?\r?$`).FindStringSubmatch(text); m != nil {
		indent := strings.Repeat(" ", len(m[1])+len(m[2])+2)
		return fmt.Sprintf("add to %s, below line %d:\n%s", where, at.Line, blockEntry(names, key, value, indent))
	}
	entry := flowEntry(names, key, value)
	switch {
	case len(names) > 0 || key != "":
		entry = "{" + entry + "}"
	default:
		entry = "[" + entry + "]"
	}
	return fmt.Sprintf("write for %s, in the place of nothing at %d:%d:\n%s", where, at.Line, at.Column, entry)
}
