// Package e2e attacks the program as it is built, from outside: what the
// command line makes, served by the command line.
//
// It guarantees that a site from "cloister init", with nothing added, lets
// nobody in by any of the ways that its tests know, and that its backend then
// sees no connection. What single steps of the road do is tested beside them,
// in internal/gateway and internal/app.
//
// It fails when an attempt is answered with anything but a refusal, when a byte
// reaches the backend, or when the program does not end cleanly.
package e2e
