package xml

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func attributeMembers() funcs {
	const key = linq + ".XAttribute"
	set := func(c *clr.Call, s string) clr.Value {
		a := selfAttr(c)
		checkAttr(c.Thread, a.name, s)
		a.value = s
		return clr.Null
	}
	return funcs{
		"new " + key + "(XAttribute)": func(c *clr.Call) clr.Value {
			return clr.Obj(c.NotNull(0, "other").(*Attr).copy(c.Thread))
		},
		"new " + key + "(XName, object)": func(c *clr.Call) clr.Value {
			name := needName(c, 0)
			return clr.Obj(newAttr(c.Thread, name, c.Args[1]))
		},
		key + ".EmptySequence":          func(c *clr.Call) clr.Value { return c.ArrayValue(AttributeType, nil) },
		key + ".IsNamespaceDeclaration": func(c *clr.Call) clr.Value { return clr.Bool(selfAttr(c).isDeclaration()) },
		key + ".Name":                   func(c *clr.Call) clr.Value { return clr.Obj(selfAttr(c).name) },
		key + ".NextAttribute":          func(c *clr.Call) clr.Value { return attrValue(selfAttr(c).next) },
		key + ".PreviousAttribute":      func(c *clr.Call) clr.Value { return attrValue(selfAttr(c).prev) },
		key + ".Remove()": func(c *clr.Call) clr.Value {
			a := selfAttr(c)
			if a.parent == nil {
				c.Throw(clr.InvalidOperationException, missingParent)
			}
			a.parent.takeAttr(a)
			return clr.Null
		},
		key + ".SetValue(object)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "value")
			return set(c, stringValue(c.Thread, c.Args[1]))
		},
		key + ".ToString()": toString,
		key + ".Value":      func(c *clr.Call) clr.Value { return clr.Str(selfAttr(c).value) },
		key + ".Value=":     func(c *clr.Call) clr.Value { return set(c, c.Text(1, "value")) },
	}
}

func documentMembers() funcs {
	const key, declaration = linq + ".XDocument", linq + ".XDeclaration"
	of := func(n *Node, kind Kind) clr.Value {
		for k := n.first; k != nil; k = k.next {
			if k.kind == kind {
				return clr.Obj(k)
			}
		}
		return clr.Null
	}
	newDocument := func(c *clr.Call, content clr.Value) *Node {
		n := newNode(c.Thread, KindDocument, "")
		add(c.Thread, n, content)
		return n
	}
	out := funcs{
		"new " + key + "()": func(c *clr.Call) clr.Value { return clr.Obj(newNode(c.Thread, KindDocument, "")) },
		"new " + key + "(XDeclaration, object[])": func(c *clr.Call) clr.Value {
			n := newDocument(c, c.Args[1])
			n.declaration = c.Args[0]
			return clr.Obj(n)
		},
		"new " + key + "(XDocument)": func(c *clr.Call) clr.Value {
			return clr.Obj(c.NotNull(0, "other").(*Node).clone(c.Thread))
		},
		"new " + key + "(object[])": func(c *clr.Call) clr.Value { return clr.Obj(newDocument(c, c.Args[0])) },
		key + ".Declaration":        func(c *clr.Call) clr.Value { return self(c).declaration },
		key + ".Declaration=": func(c *clr.Call) clr.Value {
			self(c).declaration = c.Args[1]
			return clr.Null
		},
		key + ".DocumentType": func(c *clr.Call) clr.Value { return of(self(c), KindDocType) },
		key + ".Parse(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(ParseDocument(c.Thread, c.Text(0, "s"), 0))
		},
		key + ".Parse(string, LoadOptions)": func(c *clr.Call) clr.Value {
			return clr.Obj(ParseDocument(c.Thread, c.Text(0, "s"), c.Int(1)))
		},
		key + ".Root": func(c *clr.Call) clr.Value { return of(self(c), KindElement) },

		"new " + declaration + "(XDeclaration)": func(c *clr.Call) clr.Value {
			d := *c.NotNull(0, "other").(*Declaration)
			c.Allocate(3 * valueSize)
			return clr.Obj(&d)
		},
		"new " + declaration + "(string, string, string)": func(c *clr.Call) clr.Value {
			c.Allocate(3 * valueSize)
			return clr.Obj(&Declaration{c.Args[0], c.Args[1], c.Args[2]})
		},
		declaration + ".ToString()": toString,
	}
	for name, part := range map[string]func(d *Declaration) *clr.Value{
		"Version":    func(d *Declaration) *clr.Value { return &d.version },
		"Encoding":   func(d *Declaration) *clr.Value { return &d.encoding },
		"Standalone": func(d *Declaration) *clr.Value { return &d.standalone },
	} {
		out[declaration+"."+name] = func(c *clr.Call) clr.Value { return *part(c.Args[0].O.(*Declaration)) }
		out[declaration+"."+name+"="] = func(c *clr.Call) clr.Value {
			*part(c.Args[0].O.(*Declaration)) = c.Args[1]
			return clr.Null
		}
	}
	return out
}

// leafMembers are those of texts, comments, instructions and document types.
func leafMembers() funcs {
	out := funcs{}
	for name, kind := range map[string]Kind{"XText": KindText, "XCData": KindCData, "XComment": KindComment} {
		key := linq + "." + name
		out["new "+key+"(string)"] = func(c *clr.Call) clr.Value {
			return clr.Obj(newNode(c.Thread, kind, c.Text(0, "value")))
		}
		out["new "+key+"("+name+")"] = copyNode
		if name == "XCData" { // Value is XText's
			continue
		}
		out[key+".Value"] = func(c *clr.Call) clr.Value { return clr.Str(self(c).text) }
		out[key+".Value="] = func(c *clr.Call) clr.Value {
			s := c.Text(1, "value")
			if n := self(c); n.kind == KindText && n.parent != nil {
				checkText(c.Thread, n.parent, s)
			}
			self(c).text = s
			return clr.Null
		}
	}
	const instruction = linq + ".XProcessingInstruction"
	out["new "+instruction+"(XProcessingInstruction)"] = copyNode
	out["new "+instruction+"(string, string)"] = func(c *clr.Call) clr.Value {
		checkTarget(c, 0)
		data := c.Text(1, "data")
		n := newNode(c.Thread, KindPI, data)
		n.parts = []clr.Value{c.Args[0]}
		return clr.Obj(n)
	}
	out[instruction+".Data"] = func(c *clr.Call) clr.Value { return clr.Str(self(c).text) }
	out[instruction+".Data="] = func(c *clr.Call) clr.Value {
		self(c).text = c.Text(1, "value")
		return clr.Null
	}
	out[instruction+".Target"] = func(c *clr.Call) clr.Value { return self(c).parts[0] }
	out[instruction+".Target="] = func(c *clr.Call) clr.Value {
		checkTarget(c, 1)
		self(c).parts[0] = c.Args[1]
		return clr.Null
	}
	const docType = linq + ".XDocumentType"
	out["new "+docType+"(XDocumentType)"] = copyNode
	out["new "+docType+"(string, string, string, string)"] = func(c *clr.Call) clr.Value {
		checkQualified(c, 0)
		n := newNode(c.Thread, KindDocType, "")
		c.Allocate(4 * valueSize)
		n.parts = append([]clr.Value(nil), c.Args[:4]...)
		return clr.Obj(n)
	}
	for i, name := range []string{"Name", "PublicId", "SystemId", "InternalSubset"} {
		out[docType+"."+name] = func(c *clr.Call) clr.Value { return self(c).parts[i] }
		out[docType+"."+name+"="] = func(c *clr.Call) clr.Value {
			if i == 0 {
				checkQualified(c, 1)
			}
			self(c).parts[i] = c.Args[1]
			return clr.Null
		}
	}
	return out
}

func copyNode(c *clr.Call) clr.Value { return clr.Obj(c.NotNull(0, "other").(*Node).copy(c.Thread)) }

// checkTarget throws where argument i is no target of an instruction.
func checkTarget(c *clr.Call, i int) {
	s := c.Text(i, "name")
	verifyName(c.Thread, s)
	if strings.EqualFold(s, "xml") {
		c.ThrowArgument("'"+s+"' is an invalid name for a processing instruction.", "")
	}
}

// checkQualified throws where argument i is no name; it may have a colon.
func checkQualified(c *clr.Call, i int) {
	s := c.Text(i, "name")
	p := parser{s: s}
	n := p.qualifiedAt(0)
	switch {
	case s == "":
		c.Throw(clr.ArgumentNullException, "The empty string '' is not a valid name.\nParameter name: name")
	case n < len(s):
		c.Throw(clr.XmlException, badName(s, n))
	}
}

func extensionMembers() funcs {
	const key = linq + ".Extensions"
	around := func(self bool) func(*Node) walker { return func(n *Node) walker { return ancestors(n, self) } }
	below := func(self bool) func(*Node) walker { return func(n *Node) walker { return descendantElements(n, self) } }
	nodes := func(self bool) func(*Node) walker { return func(n *Node) walker { return descendants(n, self) } }
	return funcs{
		key + ".Ancestors<T>(IEnumerable<T>)":                     flat(false, around(false)),
		key + ".Ancestors<T>(IEnumerable<T>, XName)":              flat(true, around(false)),
		key + ".AncestorsAndSelf(IEnumerable<XElement>)":          flat(false, around(true)),
		key + ".AncestorsAndSelf(IEnumerable<XElement>, XName)":   flat(true, around(true)),
		key + ".Attributes(IEnumerable<XElement>)":                flatAttributes(false),
		key + ".Attributes(IEnumerable<XElement>, XName)":         flatAttributes(true),
		key + ".DescendantNodes<T>(IEnumerable<T>)":               flat(false, nodes(false)),
		key + ".DescendantNodesAndSelf(IEnumerable<XElement>)":    flat(false, nodes(true)),
		key + ".Descendants<T>(IEnumerable<T>)":                   flat(false, below(false)),
		key + ".Descendants<T>(IEnumerable<T>, XName)":            flat(true, below(false)),
		key + ".DescendantsAndSelf(IEnumerable<XElement>)":        flat(false, below(true)),
		key + ".DescendantsAndSelf(IEnumerable<XElement>, XName)": flat(true, below(true)),
		key + ".Elements<T>(IEnumerable<T>)":                      flat(false, childElements),
		key + ".Elements<T>(IEnumerable<T>, XName)":               flat(true, childElements),
		key + ".InDocumentOrder<T>(IEnumerable<T>)":               inOrder,
		key + ".Nodes<T>(IEnumerable<T>)":                         flat(false, children),
		key + ".Remove(IEnumerable<XAttribute>)":                  removeAll,
		key + ".Remove<T>(IEnumerable<T>)":                        removeAll,
	}
}

// removeAll takes out what a sequence has, which is gone through before.
func removeAll(c *clr.Call) clr.Value {
	c.NotNull(0, "source")
	var list []clr.Value
	for v := range c.Seq(c.Args[0], "source") {
		c.Allocate(valueSize)
		list = append(list, v)
	}
	for _, v := range list {
		c.Step()
		switch o := v.O.(type) {
		case *Node:
			removeNode(c.Thread, o)
		case *Attr:
			if o.parent == nil {
				c.Throw(clr.InvalidOperationException, missingParent)
			}
			o.parent.takeAttr(o)
		}
	}
	return clr.Null
}
