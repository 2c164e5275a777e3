// Package syntax reads C# 7, as the expressions of API Management policies are
// written in it.
//
// An expression stands in a document as "@(…)" or "@{…}". [ScanExpression]
// finds where one ends; it takes brackets, strings and comments into account
// and nothing else. [Parse] reads one and gives its tree, whose nodes the file
// ast.go describes; [Format] writes a tree as C#, [Walk] visits it, and
// [Equal] compares two. [ParseSignature], [ParseType] and [ParseTypeDecl] read
// declarations of .NET members, types and types' heads, in which the tables of
// what an expression may use are written.
//
// It guarantees:
//   - The end that [ScanExpression] gives is the first one possible, and the
//     one that [Parse] gives. Both find ends of strings by the same functions.
//   - The time grows with the length of the text, and no text makes the
//     program panic or run out of stack: brackets, strings and their holes nest
//     up to [MaxDepth], what nests without brackets up to five times that, and
//     no tree is higher than [MaxHeight].
//   - What [Format] writes reads back to an equal tree. So brackets, the way in
//     which a string was quoted, and the base of a number are in the tree.
//   - Where C# leaves it open what something is, as in f(a < b, c > (d)),
//     (a)-b and a ? b : c, the language's own rules decide.
//
// It does not say whether the names exist and the types fit, nor what needs to
// know them: that "x is A" tests for a type or a constant, that a statement is
// one of the few expressions that may be one, that "await" stands in an async
// function. That is for the packages above.
//
// Two things it takes that C# 7 does not: a string of several characters in
// single quotes, which API Management takes too, and the order @$"…". It
// refuses preprocessor lines and unsafe code. What later versions of C# brought
// is refused with the name of the feature and of the version.
//
// It fails with an [*Error], or with up to twenty, by place: the byte offsets
// of what is wrong, the code that the C# compiler has for it, and its words.
// Reading goes on after a statement that is wrong, so that one error does not
// hide those in other statements; there is no tree then.
package syntax
