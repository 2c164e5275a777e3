package crypto

import (
	"encoding/base64"
	"encoding/xml"
	"io"
	"strings"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// xmlFields are the parts of <RSAKeyValue>, in their order.
var xmlFields = []int{fieldModulus, fieldExponent, fieldP, fieldQ, fieldDP, fieldDQ, fieldInverseQ, fieldD}

func toXML(c *clr.Call) clr.Value {
	private := c.Args[1].Bool()
	p := selfRSA(c).export(c.Thread, private)
	var b strings.Builder
	b.WriteString("<RSAKeyValue>")
	for _, i := range xmlFields {
		if v := p.fields[i]; v.O != nil {
			b.WriteString("<" + fieldNames[i] + ">" + base64.StdEncoding.EncodeToString(optional(v)) + "</" + fieldNames[i] + ">")
		}
	}
	b.WriteString("</RSAKeyValue>")
	return c.New(b.String())
}

// fromXML reads the parts by their names, wherever they stand. The key needs no
// more of XML than encoding/xml has.
func fromXML(c *clr.Call) clr.Value {
	s := c.Text(1, "xmlString")
	c.Work(len(s))
	c.Allocate(len(s))
	texts, ok := elementTexts(s)
	if !ok {
		c.Throw(clr.XMLSyntaxException, "System error.")
	}
	p := &parameters{}
	for n, i := range xmlFields {
		text, found := texts[fieldNames[i]]
		if !found {
			if n < 2 {
				throw(c.Thread, "Input string does not contain a valid encoding of the 'RSA' '"+fieldNames[i]+"' parameter.")
			}
			continue
		}
		text = strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
				return -1
			}
			return r
		}, text)
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			if len(text)%4 != 0 && strings.Trim(text, base64Letters) == "" {
				c.ThrowFormat("Invalid length for a Base-64 char array or string.")
			}
			c.ThrowFormat("The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters.")
		}
		p.fields[i] = c.BytesValue(b)
	}
	selfRSA(c).use(c.Thread, p)
	return clr.Null
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// elementTexts are the texts of elements by their local names, the first of
// each.
func elementTexts(s string) (map[string]string, bool) {
	d := xml.NewDecoder(strings.NewReader(s))
	out := map[string]string{}
	var open []string
	elements := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out, elements > 0
		}
		if err != nil {
			return nil, false
		}
		switch token := token.(type) {
		case xml.StartElement:
			elements++
			open = append(open, token.Name.Local)
			if _, ok := out[token.Name.Local]; !ok && len(open) == 2 {
				out[token.Name.Local] = ""
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 2 {
				out[open[1]] += string(token)
			}
		}
	}
}
