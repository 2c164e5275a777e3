// Package xml is System.Xml.Linq: trees of elements, attributes and other
// nodes, the axes through them, and the texts that they are read from and
// written to.
//
// Texts are read as .NET's XmlReader reads them for XDocument.Parse, with its
// messages, lines and positions. White space between elements is dropped unless
// LoadOptions.PreserveWhitespace asks for it. Entities that the document's own
// DTD declares are put in, as far as memory allows; what is outside of the
// document is never fetched, and no entity may contain itself. Trees are written
// as .NET's XmlWriter writes them: with indentation unless text stands beside
// elements, declarations of namespaces added where a name needs one.
//
// The parser is this package's own. encoding/xml lost: it has no positions of
// characters, other errors, no DTD, does not tell <a/> from <a></a>, and accepts
// documents that .NET refuses. A tree is a linked list at each level, as in .NET, because
// what happens to a loop over nodes that are moved meanwhile follows from it.
//
// [ParseDocument] and [ParseElement] are for Go code; the members that
// expressions call are in [Family].
//
// Memory is taken from the thread before it is used. Trees may be deep: reading,
// writing, copying and comparing them needs no stack of Go's.
//
// Not here: readers and writers of XML, which Azure's list lacks, and files: to
// XElement.Load and Save there is none, and no directory. The default values of
// attributes that a DTD declares are not put in.
package xml
