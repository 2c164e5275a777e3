// Package liquid is the template language of set-body as API Management has it:
// DotLiquid with C#'s names of filters, and the tag JSONArrayFor.
//
// [Parse] reads a template once, with everything that is wrong with it and its
// place; [Template.Render] fills it. A template sees what its [Scope] gives:
// values of .NET (package clr), tokens of Json.NET, elements of XML, and what
// implements [Hash] or [List].
//
// The dialect is DotLiquid 2.0: Replace takes a regular expression, Date a .NET
// format, text plus a number is text, "-%}" takes one line end or the blanks
// behind it. What DotLiquid drops without a word (a filter that it does not know,
// words behind a value) is an [Error] marked Lax here, so that whoever loads the
// template can refuse it.
//
// It guarantees that a template ends: rendering is charged to a [clr.Thread],
// steps for work and bytes for what is made, and blocks nest at most [MaxDepth]
// deep. There are no files, so include and extends are errors. What fails while
// rendering panics as members of .NET do; csharp.Guarded makes an error of it.
package liquid
