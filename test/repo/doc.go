// Package repo tests the repository itself: what a room may import, how its
// files are made, and whether its documents hold together.
//
// It guarantees that every rule can fail: each has a sample in testdata that
// breaks it, with the findings that it must make there. It judges files as
// they lie in the work tree, committed or not, for every platform at once; it
// does not compile them.
//
// It fails with one line for each finding: the place, then what is wrong.
package repo
