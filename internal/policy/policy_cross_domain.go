package policy

import (
	"context"
	"net/http"
	"strings"
)

func crossDomainEntry() entry {
	domain := attribute{name: "domain", expected: "a domain, or *", required: true, expression: true}
	secure := attribute{name: "secure", expected: "true or false", otherwise: "true", expression: true}
	return entry{
		name: "cross-domain", sections: inOnly, scopes: globalOnly,
		does: "cross-domain file for Flash",
		tier: tierB, page: page{
			intro: "Answers the question that Adobe Flash and Microsoft Silverlight ask before they call another host. No browser has either\n" +
				"any more; for browsers there is cors.",
			example: `
<policies>
  <inbound>
    <!-- the global document -->
    <cross-domain>
      <cross-domain-policy>
        <allow-http-request-headers-from domain="*.example.com" headers="SOAPAction" />
      </cross-domain-policy>
    </cross-domain>
  </inbound>
</policies>`,
			behaviour: []string{
				"A GET of `/crossdomain.xml` (cross-domain-policy) or `/clientaccesspolicy.xml` (access-policy) that reaches the policies is " +
					"answered with the element, and goes no further. All other requests go on.",
				"The elements are those of Adobe's and of Microsoft's files; names and attributes are checked for the former.",
				"The wildcard `*` lets every page in, with a warning.",
			},
			differences: []string{
				"The file is served as far as the site routes it: through an API without a path that has the operation, to callers that the " +
					"API lets in (`callers: [anonymous]` for everybody). API Management serves it beside its APIs, and the frame of the gateway " +
					"lets no policy do that.",
			},
		},
		children: []child{
			{name: "cross-domain-policy", expected: "Adobe's file", children: []child{
				{name: "site-control", expected: "which files count", attributes: []attribute{
					{name: "permitted-cross-domain-policies", required: true, expected: "none, master-only, by-content-type, by-ftp-filename or all", expression: true},
				}},
				{name: "allow-access-from", many: true, anywhere: true, expected: "who may read", attributes: []attribute{
					domain, {name: "to-ports", expected: "ports", expression: true}, secure,
				}},
				{name: "allow-http-request-headers-from", many: true, anywhere: true, expected: "who may send headers", attributes: []attribute{
					domain, {name: "headers", required: true, expected: "names of headers, or *", expression: true}, secure,
				}},
				{name: "allow-access-from-identity", many: true, anywhere: true, expected: "who may read, by signature", children: []child{
					{name: "signatory", required: true, expected: "who signed", children: []child{
						{name: "certificate", required: true, expected: "the certificate", attributes: []attribute{
							{name: "fingerprint", required: true, expected: "a fingerprint", expression: true},
							{name: "fingerprint-algorithm", required: true, expected: "sha-1", expression: true},
						}},
					}},
				}},
			}},
			{name: "access-policy", expected: "Microsoft's file", text: opaque},
		},
		compile: compileCrossDomain,
	}
}

// crossDomain holds the files by their paths.
type crossDomain struct{ files map[string]*markupNode }

// markupNode is an element that is written as it was read.
type markupNode struct {
	name       string
	attributes []markupAttribute
	children   []*markupNode
}

type markupAttribute struct {
	name  string
	value textValue
}

func compileCrossDomain(c *compiler, n *Node) statement {
	s := &crossDomain{files: map[string]*markupNode{}}
	for _, k := range n.Elements() {
		switch k.Name {
		case "cross-domain-policy":
			s.files["/crossdomain.xml"] = c.markup(k)
		case "access-policy":
			s.files["/clientaccesspolicy.xml"] = c.markup(k)
		}
	}
	if len(s.files) == 0 {
		c.add(n.Pos, "missing-element", "<cross-domain-policy>", "", "cross-domain lets nobody in")
	}
	return s
}

// markup takes an element with its attributes and the elements in it.
func (c *compiler) markup(n *Node) *markupNode {
	out := &markupNode{name: n.Name}
	for i := range n.Attributes {
		a := &n.Attributes[i]
		v, _ := c.textAttribute(n, a.Name)
		out.attributes = append(out.attributes, markupAttribute{a.Name, v})
		if v.compute == nil && v.literal == "*" && (a.Name == "domain" || a.Name == "uri") {
			c.warn(a.Pos, "everybody", "name the domains", "%q lets the pages of every domain in", n.Name)
		}
	}
	for _, k := range n.Elements() {
		out.children = append(out.children, c.markup(k))
	}
	return out
}

func (s *crossDomain) do(ctx context.Context, x *Exchange) (flow, *Error) {
	if x.OriginalURL == nil || x.Request.Method != http.MethodGet {
		return next, nil
	}
	file := s.files[x.OriginalURL.Path]
	if file == nil {
		return next, nil
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?>` + "\n")
	if e := file.write(ctx, x, &b, ""); e != nil {
		return stop, e
	}
	contentType := "text/x-cross-domain-policy"
	if file.name == "access-policy" {
		contentType = "text/xml"
	}
	x.answer(&Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}},
		Body: &Body{Bytes: []byte(b.String()), Length: int64(b.Len())},
	})
	return stop, nil
}

func (n *markupNode) write(ctx context.Context, x *Exchange, b *strings.Builder, indent string) *Error {
	b.WriteString(indent + "<" + n.name)
	for i := range n.attributes {
		v, e := n.attributes[i].value.text(ctx, x)
		if e != nil {
			return e
		}
		b.WriteString(" " + n.attributes[i].name + `="` + markupEscaper.Replace(v) + `"`)
	}
	if len(n.children) == 0 {
		b.WriteString(" />\n")
		return nil
	}
	b.WriteString(">\n")
	for _, k := range n.children {
		if e := k.write(ctx, x, b, indent+"  "); e != nil {
			return e
		}
	}
	b.WriteString(indent + "</" + n.name + ">\n")
	return nil
}

var markupEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#xA;", "\r", "&#xD;", "\t", "&#x9;")
