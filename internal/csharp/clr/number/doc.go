// Package number is the numbers of .NET: the integer types, Single, Double and
// Decimal with their text, System.Math, Convert, BitConverter, Random and Enum.
//
// What other packages need of it are plain functions: [Convert] and [Arith] for
// the evaluator, [Decimal] with its arithmetic, the Format and Parse functions
// for text. Answers are those of .NET in the invariant culture; text of Single
// and Double is that of .NET Core 3.0 and later, which prints the shortest
// digits that read back as the same number. Arithmetic of the integer types is
// the evaluator's own.
//
// Plain functions give the errors of this package; members throw them as the
// exceptions of .NET. Formats are bounded: a precision beyond the limit of
// .NET is a FormatException, and text is paid for before it is made.
package number
