// Package simulate runs policy documents against requests that are described, with
// answers that are described too: for people who write documents, and for their
// tests.
//
// A [World] holds what documents may name and what outlives a request: counters,
// caches, a clock that only waits move. [World.Run] takes one request through a
// document and gives a [Result]. A [Script] says what backends, calls and services
// answer.
//
// It guarantees that nothing is connected to and that two runs of the same
// description give the same result: time and randomness are the description's. The
// policies are those of the gateway; only what stands around them is made up.
//
// It does not route, identify or authorise: a description says what they found. It
// fails with a [*FileError] where a description cannot be read, and with
// site.Problems where a document cannot be compiled.
package simulate
