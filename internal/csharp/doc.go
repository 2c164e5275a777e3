// Package csharp is the language of policy expressions: C# 7 on the types that
// API Management allows.
//
// [Compile] reads and checks an expression once; [Expression.Run] carries it
// out, as often as wanted and from many goroutines at once. The packages below
// do the work, arrows one way: syntax reads, check gives meaning, plan carries
// out, and clr with its families is the .NET that it all runs on.
//
// It guarantees that whatever can be found wrong without a request is found by
// Compile, with C#'s own codes; that a run ends within its limits; and that
// nothing that an expression or the library does panics outward.
//
// It does not read policy documents and knows no request: what "context" is
// comes with [Options] and the thread.
//
// It fails with *syntax.Error from Compile, and from Run with a [*Error] for an
// exception that nobody caught, a *clr.LimitError for a limit, and a *plan.Bug
// for a mistake of this program.
package csharp
