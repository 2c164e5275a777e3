// Package number is the numbers of .NET: the integer types, Single, Double and
// Decimal with their text, System.Math, Convert, BitConverter, Random and Enum;
// and what nullables and IComparable do.
//
// What other packages need of it are plain functions: [Convert] and [Arith] for
// the evaluator, [Decimal] with its arithmetic, the Format and Parse functions
// for text. Answers are those of .NET in the invariant culture; text of Single
// and Double is that of .NET Core 3.0 and later, which prints the shortest
// digits that read back as the same number. Functions such as Math.Sin are
// right to the last digit nearly always, as .NET's are. Arithmetic of the
// integer types is the evaluator's own.
//
// System.Convert takes the types of this package, text, dates (which it has
// DateTime.Parse read) and what is [Convertible].
//
// Plain functions give the errors of this package; members throw them as the
// exceptions of .NET. Text is paid for before it is made, and formats bound it:
// a precision has two digits at most.
package number
