// Command attack attacks the built program on loopback and prints what
// happened as a table: "make attack".
//
// Every attack has a gateway and a counting model backend of its own. While it
// goes on, one well-behaved client with an address of its own asks fifty times
// a second, half over HTTP/1.1 and half over HTTP/2, and reads one long stream.
// An attack holds when that client succeeds every time, the attackers are gone
// within the bound, no more of it reached the backend than the bound, the
// gateway's peak memory stays under the ceiling, its probe answers throughout,
// and its connections and goroutines come back to what they were.
//
// Seconds, streams, calls and bytes are asserted. The client's p99 is printed
// and asserted only against a second or two: on a machine with few cores the
// attackers and the gateway share them.
//
// It ends with 1 when a bound is broken or a part does not start, and leaves
// no process and no file behind. "go test ./test/attack" runs a quick set. It
// runs on Linux, and the row of the full audit log as root.
package main
