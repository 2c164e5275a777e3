// Package policy reads, compiles and runs API Management policy documents.
//
// [Read] makes a tree of a document, [Document.Expand] puts named values in,
// [Compile] composes the documents of the scopes global, product, API and
// operation into one [Pipeline], and [Pipeline.Run] takes an [Exchange] through
// it:
//
//	inbound → backend → outbound → answer
//	    └────────┴──────────┴─ error → on-error → answer
//
// It guarantees that what compiles is what runs: an element, an attribute, a
// value or an expression that is not understood is refused with its place,
// never skipped. A pipeline is immutable and may run for any number of
// requests at once. After Run, Fail and Preflight there is an answer. Policies
// reach a backend through [Exchange.Forward] only, and cannot turn a refusal of
// the frame into anything but an error. The framing of messages is out of their
// reach.
//
// Expressions see the exchange as it stands when they run. It does not decide
// who may call, and does not connect by itself: what policies need of their
// surroundings are [Services]. docs/policies.md lists the policies that run.
//
// It fails, while compiling, with [site.Problems], all at once; while running,
// with an [*Error], which on-error sees and which otherwise becomes the answer
// that [DefaultResponse] makes.
package policy
