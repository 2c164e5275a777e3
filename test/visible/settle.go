package main

import (
	"regexp"
	"strings"
)

// settled is what stands for a place holder.
const settled = "1"

var (
	// pythonBlock is what a block of statements becomes in a Python format
	// string: all its braces are doubled.
	pythonBlock = regexp.MustCompile(`@\{\{\s*(//|[a-z])`)
	pythonName  = regexp.MustCompile(`\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_.]*\}`)

	terraformDirective = regexp.MustCompile(`%\{[^}]*\}`)
	terraformName      = regexp.MustCompile(`\$\{[^{}"]*\}`)
	hashed             = regexp.MustCompile(`#\{?[A-Za-z_][A-Za-z0-9_.-]*\}?#`)
	underlined         = regexp.MustCompile(`__[A-Z][A-Z0-9_]*?__`)
)

// settle puts values into the place holders of deployment tools: Terraform's
// ${var} and %{ if }, Python's {name} with all other braces doubled, #token#
// and __TOKEN__.
func settle(document string) string {
	if python(document) {
		document = pythonName.ReplaceAllStringFunc(document, func(s string) string {
			switch s {
			case "{{", "}}":
				return s[:1]
			}
			return settled
		})
	}
	document = terraformDirective.ReplaceAllString(document, "")
	document = terraformName.ReplaceAllString(document, settled)
	document = hashed.ReplaceAllString(document, settled)
	return underlined.ReplaceAllString(document, settled)
}

// python reports whether a document is a Python format string: a block has
// doubled braces, and none has single ones.
func python(document string) bool {
	return pythonBlock.MatchString(document) && !strings.Contains(strings.ReplaceAll(document, "@{{", ""), "@{")
}
