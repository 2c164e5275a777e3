// Package page keeps docs/policies/expressions.md: what policy expressions may
// use, within which limits, and where they differ from C#, .NET and API
// Management.
//
// The page is prose with blocks between marks; the blocks are made of the
// code's own tables, which [Blocks] writes down:
//
//	go test ./test/oracle/page -update
//
// It guarantees that the blocks are fresh, that the page's examples give what it
// says, that its context file is read and has every member, and that what the
// tables of deviations show is what happens. It fails with the difference.
package page
