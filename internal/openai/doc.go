// Package openai knows the model API of Azure OpenAI on the wire: which
// operation a path names, which model a request names, what an answer cost,
// and how a stream is made.
//
// It guarantees that what it reads in a request is what every other JSON
// reader sees: [ScanRequest] accepts only bodies that leave no choice (RFC 8259
// without duplicate members, case variants, invalid UTF-8 or trailing data).
// Its meters, [UsageMeter] and [StreamMeter], look at bytes as they pass; they
// never change, hold back or collect them, their memory is bounded, and their
// findings do not depend on how the bytes were cut into writes.
//
// It does not judge a request beyond that: a body that passes may still be
// refused by the model. It opens no connection and logs nothing.
//
// It fails with a typed error, [*ScanError], for request bodies. Meters never
// fail: what they cannot read is not counted, and the caller sees that no usage
// was found.
package openai
