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
	// kebab names are replaced in the text of a document by deployment scripts.
	kebab      = regexp.MustCompile(`\{[a-z]+(-[a-z]+)+\}`)
	underlined = regexp.MustCompile(`__[A-Z][A-Z0-9_]*?__`)
)

// settle puts values into the place holders of deployment tools: Terraform's
// ${var} and %{ if }, Python's {name} with all other braces doubled, {some-name}
// of scripts that replace text, #token# and __TOKEN__.
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
	document = kebabs(document)
	document = hashed.ReplaceAllString(document, settled)
	return underlined.ReplaceAllString(document, settled)
}

// kebabs settles {some-name}, and leaves {{some-name}}.
func kebabs(document string) string {
	var b strings.Builder
	last := 0
	for _, m := range kebab.FindAllStringIndex(document, -1) {
		if strings.HasSuffix(document[:m[0]], "{") {
			continue
		}
		b.WriteString(document[last:m[0]] + settled)
		last = m[1]
	}
	return b.String() + document[last:]
}

// python reports whether a document is a Python format string: a block has
// doubled braces, and none has single ones.
func python(document string) bool {
	return pythonBlock.MatchString(document) && !strings.Contains(strings.ReplaceAll(document, "@{{", ""), "@{")
}
