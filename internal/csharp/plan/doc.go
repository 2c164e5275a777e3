// Package plan carries out checked expressions. [New] turns the tree of package
// check into Go closures, once; [Plan.Run] calls them, as often as wanted and
// from as many goroutines as wanted.
//
// Two plans can be made of one tree. The specialised one gives an expression a
// closure by its static type, so that integers, bools, doubles, strings and the
// objects of context are computed without a clr.Value; the plain one computes everything with Values.
// They agree, which a fuzz target attacks. The specialised one is what runs;
// the plain one is what it is held against.
//
// It guarantees:
//   - The order of evaluation is C#'s: from left to right, receivers before
//     arguments, parts of a target once.
//   - What is thrown, by members or by the language, is a *clr.Thrown, which
//     catch sees; a *clr.LimitError passes by catch and finally.
//   - Work is paid for: a step for each call, statement that calls, and round of
//     a loop, memory for each string, array, delegate and captured variable. So
//     the thread's limits end every run.
//   - An expression without lambdas that calls members with a fast form runs
//     without allocation: frames and arguments come from a pool, and are
//     cleared when they go back.
//   - It never panics outward. A panic of Go inside a member is a *Bug with the
//     member's place.
//
// It does not check anything: a tree that package check found wrong must not
// come here. It does not evaluate filters of catch before the finally blocks
// inside the try, as .NET does.
//
// It fails to make a plan, with an error that names the place, where a member
// has no code yet.
package plan
