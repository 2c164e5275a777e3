package xml

import "github.com/cloister-ai/cloister/internal/csharp/clr"

const elementKey = linq + ".XElement"

func elementMembers() funcs {
	const key = elementKey
	around := func(n *Node) walker { return ancestors(n, true) }
	below := func(n *Node) walker { return descendantElements(n, true) }
	build := func(c *clr.Call) clr.Value {
		n := newElement(c.Thread, needName(c, 0))
		if len(c.Args) > 1 {
			add(c.Thread, n, c.Args[1])
		}
		return clr.Obj(n)
	}
	return funcs{
		"new " + key + "(XElement)": func(c *clr.Call) clr.Value {
			return clr.Obj(c.NotNull(0, "other").(*Node).clone(c.Thread))
		},
		"new " + key + "(XName)":           build,
		"new " + key + "(XName, object)":   build,
		"new " + key + "(XName, object[])": build,
		key + ".AncestorsAndSelf()":        axis(around),
		key + ".AncestorsAndSelf(XName)":   axisNamed(around),
		key + ".Attribute(XName)": func(c *clr.Call) clr.Value {
			if name := nameArg(c, 1); name != nil {
				return attrValue(self(c).attr(c.Thread, name))
			}
			return clr.Null
		},
		key + ".Attributes()": func(c *clr.Call) clr.Value { return attributeSequence(c, self(c), nil) },
		key + ".Attributes(XName)": func(c *clr.Call) clr.Value {
			if name := nameArg(c, 1); name != nil {
				return attributeSequence(c, self(c), name)
			}
			return empty(c)
		},
		key + ".DescendantNodesAndSelf()":  axis(func(n *Node) walker { return descendants(n, true) }),
		key + ".DescendantsAndSelf()":      axis(below),
		key + ".DescendantsAndSelf(XName)": axisNamed(below),
		key + ".EmptySequence":             func(c *clr.Call) clr.Value { return c.ArrayValue(ElementType, nil) },
		key + ".FirstAttribute":            func(c *clr.Call) clr.Value { return attrValue(self(c).firstAttr) },
		key + ".GetDefaultNamespace()": func(c *clr.Call) clr.Value {
			uri, _ := self(c).spaceOf(c.Thread, "")
			return newNamespace(c.Thread, uri)
		},
		key + ".GetNamespaceOfPrefix(string)": func(c *clr.Call) clr.Value {
			prefix := c.Text(1, "prefix")
			if prefix == "" {
				c.ThrowArgument("'' is an invalid prefix.", "")
			}
			if prefix == "xmlns" {
				return newNamespace(c.Thread, xmlnsSpace)
			}
			if uri, ok := self(c).spaceOf(c.Thread, prefix); ok {
				return newNamespace(c.Thread, uri)
			}
			return clr.Null
		},
		key + ".GetPrefixOfNamespace(XNamespace)": func(c *clr.Call) clr.Value {
			ns := c.NotNull(1, "ns").(*Namespace)
			if prefix, ok := self(c).prefixOf(c.Thread, ns.URI); ok {
				return clr.Str(prefix)
			}
			return clr.Null
		},
		key + ".HasAttributes": func(c *clr.Call) clr.Value { return clr.Bool(self(c).firstAttr != nil) },
		key + ".HasElements": func(c *clr.Call) clr.Value {
			for k := self(c).first; k != nil; k = k.next {
				c.Step()
				if k.kind == KindElement {
					return clr.Bool(true)
				}
			}
			return clr.Bool(false)
		},
		key + ".IsEmpty":       func(c *clr.Call) clr.Value { return clr.Bool(self(c).empty()) },
		key + ".LastAttribute": func(c *clr.Call) clr.Value { return attrValue(self(c).lastAttr) },
		key + ".Name":          func(c *clr.Call) clr.Value { return clr.Obj(self(c).name) },
		key + ".Name=": func(c *clr.Call) clr.Value {
			self(c).name = c.NotNull(1, "value").(*Name)
			return clr.Null
		},
		key + ".Parse(string)": func(c *clr.Call) clr.Value {
			return clr.Obj(ParseElement(c.Thread, c.Text(0, "s"), 0))
		},
		key + ".Parse(string, LoadOptions)": func(c *clr.Call) clr.Value {
			return clr.Obj(ParseElement(c.Thread, c.Text(0, "s"), c.Int(1)))
		},
		key + ".Value": func(c *clr.Call) clr.Value { return clr.Str(self(c).Value(c.Thread)) },
		key + ".Value=": func(c *clr.Call) clr.Value {
			setValue(c.Thread, self(c), c.Text(1, "value"))
			return clr.Null
		},
	}
}

// spaceOf is what a prefix stands for in n; the empty one by default.
func (n *Node) spaceOf(t *clr.Thread, prefix string) (string, bool) {
	for e := n; e != nil; e = e.parent {
		for a := e.firstAttr; a != nil; a = a.next {
			t.Step()
			if a.isDeclaration() && a.binding().prefix == prefix {
				return a.value, true
			}
		}
	}
	if prefix == "xml" {
		return xmlSpace, true
	}
	return "", prefix == ""
}

// prefixOf is a prefix that stands for a namespace in n, not the empty one.
func (n *Node) prefixOf(t *clr.Thread, space string) (string, bool) {
	for e := n; e != nil; e = e.parent {
		for a := e.firstAttr; a != nil; a = a.next {
			t.Step()
			if a.name.Space == xmlnsSpace && a.value == space && !n.hides(t, a) {
				return a.name.Local, true
			}
		}
	}
	switch space {
	case xmlSpace:
		return "xml", true
	case xmlnsSpace:
		return "xmlns", true
	}
	return "", false
}

// hides reports that the prefix which a declares stands for something else in
// n.
func (n *Node) hides(t *clr.Thread, a *Attr) bool {
	for e := n; e != a.parent; e = e.parent {
		for b := e.firstAttr; b != nil; b = b.next {
			t.Step()
			if b.name.Space == xmlnsSpace && b.name.Local == a.name.Local {
				return true
			}
		}
	}
	return false
}

// elementChanges are the members that change an element.
func elementChanges() funcs {
	const key = elementKey
	replaceAll := func(c *clr.Call) clr.Value {
		content := snapshot(c.Thread, c.Args[1])
		self(c).clearAttrs(c.Thread)
		self(c).clear(c.Thread)
		add(c.Thread, self(c), content)
		return clr.Null
	}
	replaceAttributes := func(c *clr.Call) clr.Value {
		content := snapshot(c.Thread, c.Args[1])
		self(c).clearAttrs(c.Thread)
		add(c.Thread, self(c), content)
		return clr.Null
	}
	return funcs{
		key + ".RemoveAll()": func(c *clr.Call) clr.Value {
			self(c).clearAttrs(c.Thread)
			self(c).clear(c.Thread)
			return clr.Null
		},
		key + ".RemoveAttributes()": func(c *clr.Call) clr.Value {
			self(c).clearAttrs(c.Thread)
			return clr.Null
		},
		key + ".ReplaceAll(object)":          replaceAll,
		key + ".ReplaceAll(object[])":        replaceAll,
		key + ".ReplaceAttributes(object)":   replaceAttributes,
		key + ".ReplaceAttributes(object[])": replaceAttributes,
		key + ".SetAttributeValue(XName, object)": func(c *clr.Call) clr.Value {
			n, name := self(c), nameArg(c, 1)
			var a *Attr
			if name != nil {
				a = n.attr(c.Thread, name)
			}
			switch {
			case c.Args[2].O == nil && a == nil:
			case c.Args[2].O == nil:
				n.takeAttr(a)
			case a != nil:
				s := stringValue(c.Thread, c.Args[2])
				checkAttr(c.Thread, a.name, s)
				a.value = s
			default:
				n.putAttr(newAttr(c.Thread, needName(c, 1), c.Args[2]))
			}
			return clr.Null
		},
		key + ".SetElementValue(XName, object)": func(c *clr.Call) clr.Value {
			n := self(c)
			k := n.child(c.Thread, nameArg(c, 1))
			switch {
			case c.Args[2].O == nil && k == nil:
			case c.Args[2].O == nil:
				n.take(k)
			case k != nil:
				setValue(c.Thread, k, stringValue(c.Thread, c.Args[2]))
			default:
				s := stringValue(c.Thread, c.Args[2])
				k = newElement(c.Thread, needName(c, 1))
				addText(c.Thread, k, s)
				addNode(c.Thread, n, k)
			}
			return clr.Null
		},
		key + ".SetValue(object)": func(c *clr.Call) clr.Value {
			c.NotNull(1, "value")
			setValue(c.Thread, self(c), stringValue(c.Thread, c.Args[1]))
			return clr.Null
		},
	}
}
