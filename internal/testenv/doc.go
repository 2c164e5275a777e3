// Package testenv is what tests need from the machine they run on: tools,
// the repository's root, free ports, the built program, and a private
// "cloister up".
//
// What is missing skips a test with the reason, so that "go test ./..." works
// on a machine that has only Go. With CLOISTER_TEST_STRICT=1, which "make
// test" sets, the same lack fails the test: there a skip would be a hole.
//
// Everything that is started belongs to the test that started it and has
// ended when the test has. Nothing dials or listens anywhere but loopback.
// Only tests import this package.
package testenv
