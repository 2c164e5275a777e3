// Package regex is System.Text.RegularExpressions.
//
// A pattern is read by a parser of .NET's own syntax, which reports .NET's
// errors and hands the engine (github.com/dlclark/regexp2, a backtracking
// matcher made from .NET's) a pattern without abbreviations: numbered groups,
// code units instead of characters, sets instead of options. So what a pattern
// means does not follow the engine's own dialect, whose letters fold by
// Unicode where .NET's follow the invariant culture. Subjects are given to it
// as UTF-16 code units, as .NET does: positions, "." and the halves of
// characters beyond U+FFFF agree.
//
// Each search for a match ends after a second, or when its own timeout has
// passed, by a RegexMatchTimeoutException, and when the run's time is over by
// its LimitError. The engine looks at a clock that ticks ten times a second, so
// a search may take a tenth longer. What it may keep for going back is bounded
// too; a search that needs more ends the run. Patterns are limited in length
// and nesting. Compiled ones are kept, a few hundred at most, for all runs.
package regex
