package xml

import (
	"maps"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

type funcs = map[string]clr.Func

const linq = "System.Xml.Linq"

// The types of the tree.
var (
	ObjectType      = clr.Named(linq, "XObject", 0)
	NodeType        = clr.Named(linq, "XNode", 0)
	ContainerType   = clr.Named(linq, "XContainer", 0)
	ElementType     = clr.Named(linq, "XElement", 0)
	DocumentType    = clr.Named(linq, "XDocument", 0)
	TextType        = clr.Named(linq, "XText", 0)
	CDataType       = clr.Named(linq, "XCData", 0)
	CommentType     = clr.Named(linq, "XComment", 0)
	InstructionType = clr.Named(linq, "XProcessingInstruction", 0)
	DocTypeType     = clr.Named(linq, "XDocumentType", 0)
	AttributeType   = clr.Named(linq, "XAttribute", 0)
	DeclarationType = clr.Named(linq, "XDeclaration", 0)
	NameType        = clr.Named(linq, "XName", 0)
	NamespaceType   = clr.Named(linq, "XNamespace", 0)
	KindType        = clr.Named("System.Xml", "XmlNodeType", 0)

	orderType    = clr.Named(linq, "XNodeDocumentOrderComparer", 0)
	equalityType = clr.Named(linq, "XNodeEqualityComparer", 0)
)

// Family is the code of System.Xml.Linq.
func Family() clr.Family {
	f := clr.Family{
		Name: "xml", Do: funcs{}, Hooks: hooks(),
		Types: []*clr.Type{
			ObjectType, NodeType, ContainerType, ElementType, DocumentType, TextType, CDataType, CommentType, InstructionType, DocTypeType,
			AttributeType, DeclarationType, NameType, NamespaceType, KindType, orderType, equalityType,
		},
	}
	for _, part := range []funcs{
		nameMembers(), namespaceMembers(), objectMembers(), nodeMembers(), containerMembers(), elementMembers(), elementChanges(),
		attributeMembers(), documentMembers(), leafMembers(), comparerMembers(), extensionMembers(), casts(), fileMembers(),
	} {
		maps.Copy(f.Do, part)
	}
	return f
}

func hooks() map[string]*clr.Hooks {
	return map[string]*clr.Hooks{
		linq + ".XNode": {
			Text: func(t *clr.Thread, v clr.Value) string { return Text(t, v.O.(*Node), 0) },
		},
		linq + ".XAttribute": {
			Text: func(t *clr.Thread, v clr.Value) string { return attributeText(t, v.O.(*Attr)) },
		},
		linq + ".XDeclaration": {
			Text: func(t *clr.Thread, v clr.Value) string { return v.O.(*Declaration).text(t) },
		},
		linq + ".XName": {
			Text:  func(_ *clr.Thread, v clr.Value) string { return v.O.(*Name).String() },
			Equal: func(_ *clr.Thread, v, o clr.Value) bool { return sameName(v, o) },
			Hash: func(t *clr.Thread, v clr.Value) uint64 {
				n := v.O.(*Name)
				return t.Hash(clr.Str(n.Local)) ^ t.Hash(clr.Str(n.Space))*31
			},
		},
		linq + ".XNamespace": {
			Text:  func(_ *clr.Thread, v clr.Value) string { return v.O.(*Namespace).URI },
			Equal: func(_ *clr.Thread, v, o clr.Value) bool { return sameSpace(v, o) },
			Hash:  func(t *clr.Thread, v clr.Value) uint64 { return t.Hash(clr.Str(v.O.(*Namespace).URI)) },
		},
	}
}

// toString is ToString() where a type declares it.
func toString(c *clr.Call) clr.Value { return clr.Str(c.Thread.Text(c.Args[0])) }

func hashCode(c *clr.Call) clr.Value {
	h := c.Hash(c.Args[0])
	return clr.Int(int32(h ^ h>>32))
}

// node is argument i, a node; null is nil.
func node(c *clr.Call, i int) *Node {
	n, _ := c.Args[i].O.(*Node)
	return n
}

func self(c *clr.Call) *Node { return c.Args[0].O.(*Node) }

func selfAttr(c *clr.Call) *Attr { return c.Args[0].O.(*Attr) }

// nodeValue is n as a value; nil is null.
func nodeValue(n *Node) clr.Value {
	if n == nil {
		return clr.Null
	}
	return clr.Obj(n)
}

func attrValue(a *Attr) clr.Value {
	if a == nil {
		return clr.Null
	}
	return clr.Obj(a)
}
