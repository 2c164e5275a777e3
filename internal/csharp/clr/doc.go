// Package clr is the .NET that policy expressions run on: its values, its types
// with their members, and what calls them.
//
// A [Value] says by itself which type it has, so that boxing costs nothing. A
// [Type] is known by its pointer: constructed types are made once. Which types
// and members there are stands in the declarations under decl, one line a
// member in C#'s own words; what a member does is Go code in the packages
// below this one, found by the member's key ([Family]). [Build] puts both
// together and fails where one lacks the other.
//
// A member that fails throws a .NET exception ([Thread.Throw]), which is a Go
// panic with a value of this package; it leaves the room only as an error of
// the run. The alternative, an error beside every value, made the evaluator's
// closures a third slower and every member longer. Steps, memory and time of a
// run are bounded by its [Thread]; what exceeds them cannot be caught by C#.
package clr
