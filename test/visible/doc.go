// Command visible tries policy documents that others have published: it reads
// every file of a folder as a policy document, checks it, and says which are
// refused and why.
//
//	go run ./test/visible FOLDER
//
// The documents are not part of the project. Many are templates of a
// deployment tool, whose place holders API Management never sees; [settle]
// puts a value into each, which the reader itself never does. Names that the
// documents use and do not define are taken.
//
// It exits with 1 where a document is refused. Which of those are broken at
// their source is for people to say.
package main
