// Package syntax finds where a C# expression of a policy ends.
//
// An expression stands in a document as "@(…)" or "@{…}". [ScanExpression]
// reads it as C# 7 would be read, token by token, so that brackets and quotes
// inside strings, characters and comments do not count. It guarantees that the
// end it gives is the first one possible, that it looks at each byte a bounded
// number of times and at none behind the end, and that nesting is bounded by
// [MaxDepth]. It does not say whether what stands inside is valid C#; one thing
// it takes that C# does not is a string of several characters in single
// quotes, which API Management takes too.
//
// It fails with an [*Error], which has the place and the reason.
package syntax
