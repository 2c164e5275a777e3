// Package site reads the directory that describes one architecture, the site,
// into data with positions.
//
// It guarantees that a site is accepted whole or not at all: every file is
// read twice and both readings have one digest, every field is known, nothing
// that is meant to protect is silently ignored, and every problem that can be
// known without running anything is reported together, each with file, line,
// column, what was expected and how to mend it. Work is bounded: files, the
// site, nesting and the expansion of YAML anchors have limits. Secrets are not
// read: a private key is never opened, a secret that stands in clear is an
// error, and no excerpt shows one.
//
// It has no behaviour beyond that. It dials nothing, resolves nothing, reads
// no environment, does not parse policies, and does not know whether a listed
// destination answers.
//
// It fails by returning [Problems] and a nil *[Site]; it never returns a site
// that is partly read.
package site
