// Package oracle holds what a real C# compiler says about expressions: tables
// of rows, each one expression, and its recorded answers. The evaluator of
// policy expressions must give the same ones. The answers are committed, so
// only recording needs the compiler (Debian's Mono, by "make deps").
//
// # Rows
//
// A file table/NAME.txt holds sections. A heading names a member as
// members.txt does, or an operator or statement as syntax.txt does; several
// headings in a row share one section. A heading stands in one file only.
//
//	# System.String.Substring(int, int)
//	ordinary: @("hello".Substring(1, 3))
//	edge: @("hello".Substring(5, 0))
//	throws: @("hello".Substring(4, 2))
//	refused: @("hello".Substring("1"))
//
// The word says what the row shows: "ordinary" gives a value, "throws" throws,
// "edge" is at a border and may do either, "refused" does not compile. Each
// member needs an ordinary row of its own, each section an edge row and a
// throws row; where there is none, "no edge: reason" and "never throws: reason"
// say why. An expression is one line, or begins with a line that ends in "@{"
// or "@(" alone and goes on to the first line that is "}" or ")" alone, in the
// first column. Comments begin with "//".
//
//	context: {"variables": {"n": 5}}
//
// is a context file for the rows that follow in the section; "context: {" goes
// on to a line "}", and "context: none" ends it. A row whose syntax mcs does not
// know is followed by the same in older C#, whose answer then counts:
//
//	ordinary: @{ int Twice(int n) => 2 * n; return Twice(4); }
//	mcs: @{ Func<int, int> Twice = n => 2 * n; return Twice(4); }
//
// A value is recorded as "cloister policy eval --json" prints it: what is not a
// string, number, boolean or JSON token only as its ToString(), so end with
// string.Join or ToArray()[i] where that says nothing. Rows must not depend on
// the clock, the machine or chance: each runs twice, and one that differs is
// turned down.
//
// # Recording
//
//	make oracle                     new and changed rows of all tables
//	make oracle ARGS="-only string" of one table; -all records every row again
//	make oracle ARGS="-only string -all -print" shows the answers
//
// Read the answers in the diff before you commit them: what Mono says wrong
// goes into differences.txt, under one of its four headings. When every member
// of a type has rows, take the type out of uncovered.txt; the test says when.
//
// # Differences
//
// An entry of differences.txt is the id of a row, then "ours: " and an answer
// as JSON, then "evidence: " and a page or file that anybody can look up, both
// indented. One that is not needed fails the test.
//
// # What counts as true
//
// Mono compiles in the invariant culture and UTC with the namespaces that
// published policies use without their names: System, System.Collections.Generic,
// System.IO, System.Linq, System.Net, System.Security.Cryptography and its
// X509Certificates, System.Text and its RegularExpressions, System.Xml.Linq,
// Newtonsoft.Json and Newtonsoft.Json.Linq, and of System.Xml the one type
// XmlNodeType: with all of it Formatting.None, which published policies write,
// would be ambiguous. Azure does not publish its list. An "@(…)" is the operand of a return statement in a method
// that returns object, an "@{…}" the body of that method. mono/context.cs is
// what an expression sees of the request.
//
// Exception types and messages are those of the .NET Framework, which Mono's
// class library is; mono/net.go and mono/harness.cs put right what its runtime
// says otherwise. Of a refusal the code counts, not the text.
//
// # In tests
//
// TestRows runs every row through the evaluator, both ways of evaluating, and
// says for each table how many rows agree, differ, and need members without
// code:
//
//	go test ./test/oracle -run TestRows -table json -v      tables that begin so
//	go test ./test/oracle -run TestRows -row Substring      rows with that id
//
// [Load] gives the rows with their answers, [LoadDifferences] the exceptions;
// [Differences.Compare] holds an answer against both. [Coverage] names members
// without rows. [Generate] makes random expressions and [Hunt] those on which
// two evaluators disagree, made small: "make oracle-random SEED=7".
package oracle
