package crypto

import (
	"encoding/asn1"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// nameAttribute is one part of a distinguished name.
type nameAttribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type relativeNameSET []nameAttribute

func readName(raw []byte) []relativeNameSET {
	var name []relativeNameSET
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return nil
	}
	return name
}

// nameText is a distinguished name as .NET prints it: the most special part
// first where reverse is set.
func nameText(raw []byte, reverse bool) string {
	name := readName(raw)
	parts := make([]string, 0, len(name))
	for _, set := range name {
		var b strings.Builder
		for i, a := range set {
			if i > 0 {
				b.WriteString(" + ")
			}
			b.WriteString(attributeKey(a.Type.String()))
			b.WriteByte('=')
			b.WriteString(quoteName(directoryString(a.Value)))
		}
		parts = append(parts, b.String())
	}
	if reverse {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	return strings.Join(parts, ", ")
}

func attributeKey(oid string) string {
	if f := friendlyOf(oid); f.O != nil {
		return f.S
	}
	return "OID." + oid
}

func quoteName(s string) string {
	quotable := func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
	if s != "" && !quotable(s[0]) && !quotable(s[len(s)-1]) && !strings.ContainsAny(s, ",+=\"\n<>#;") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// directoryString is the text of a value, by its type.
func directoryString(v asn1.RawValue) string {
	switch v.Tag {
	case asn1.TagBMPString:
		units := make([]uint16, 0, len(v.Bytes)/2)
		for i := 0; i+1 < len(v.Bytes); i += 2 {
			units = append(units, uint16(v.Bytes[i])<<8|uint16(v.Bytes[i+1]))
		}
		return string(utf16.Decode(units))
	case asn1.TagT61String:
		if !utf8.Valid(v.Bytes) {
			latin := make([]rune, len(v.Bytes))
			for i, b := range v.Bytes {
				latin[i] = rune(b)
			}
			return string(latin)
		}
	}
	return strings.ToValidUTF8(string(v.Bytes), "\ufffd")
}

// find is the text of the first attribute of that type; the last part of the
// name is looked at first.
func find(raw []byte, oid string) (string, bool) {
	name := readName(raw)
	for i := len(name) - 1; i >= 0; i-- {
		for _, a := range name[i] {
			if a.Type.String() == oid {
				return directoryString(a.Value), true
			}
		}
	}
	return "", false
}

const (
	oidCN    = "2.5.4.3"
	oidOU    = "2.5.4.11"
	oidO     = "2.5.4.10"
	oidEmail = "1.2.840.113549.1.9.1"
)

// The numbers of X509NameType.
const (
	nameSimple = iota
	nameEmail
	nameUPN
	nameDNS
	nameDNSAlternative
	nameURL
)

// nameInfo is GetNameInfo.
func (c *cert) nameInfo(kind int, issuer bool) string {
	raw, extension := c.c.RawSubject, "2.5.29.17"
	if issuer {
		raw, extension = c.c.RawIssuer, "2.5.29.18"
	}
	if kind == nameSimple {
		for _, oid := range []string{oidCN, oidOU, oidO, oidEmail} {
			if s, ok := find(raw, oid); ok {
				return s
			}
		}
	}
	for _, e := range c.c.Extensions {
		if e.Id.String() == extension {
			if s, ok := alternative(e.Value, kind); ok {
				return s
			}
		}
	}
	switch kind {
	case nameEmail:
		s, _ := find(raw, oidEmail)
		return s
	case nameDNS:
		s, _ := find(raw, oidCN)
		return s
	case nameSimple:
		if name := readName(raw); len(name) > 0 && len(name[0]) > 0 {
			return directoryString(name[0][0].Value)
		}
	}
	return ""
}

// The tags of GeneralName.
const (
	generalOther = 0
	generalEmail = 1
	generalDNS   = 2
	generalURI   = 6
	generalIP    = 7
)

// alternative is the first name of a kind in an extension of alternative names.
func alternative(der []byte, kind int) (string, bool) {
	tag := map[int]int{nameSimple: generalEmail, nameEmail: generalEmail, nameUPN: generalOther, nameDNS: generalDNS, nameDNSAlternative: generalDNS, nameURL: generalURI}
	want, ok := tag[kind]
	if !ok {
		return "", false
	}
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(der, &seq); err != nil {
		return "", false
	}
	for rest := seq.Bytes; len(rest) > 0; {
		var v asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return "", false
		}
		if v.Tag != want {
			continue
		}
		if want != generalOther {
			return string(v.Bytes), true
		}
		if s, ok := userPrincipal(v.Bytes); ok {
			return s, true
		}
	}
	return "", false
}

// userPrincipal is the name of a user in an otherName.
func userPrincipal(der []byte) (string, bool) {
	var id asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(der, &id)
	if err != nil || id.String() != "1.3.6.1.4.1.311.20.2.3" {
		return "", false
	}
	var outer, inner asn1.RawValue
	if _, err := asn1.Unmarshal(rest, &outer); err != nil {
		return "", false
	}
	if _, err := asn1.Unmarshal(outer.Bytes, &inner); err != nil {
		return "", false
	}
	return directoryString(inner), true
}

// certText is ToString() in .NET's form of blocks.
func (c *cert) certText(t *clr.Thread) string {
	s := "[Subject]\n  " + c.subject() + "\n\n[Issuer]\n  " + c.issuer() + "\n\n[Serial Number]\n  " + upperHex(c.serial()) +
		"\n\n[Not Before]\n  " + t.Text(moment(t, c.c.NotBefore)) + "\n\n[Not After]\n  " + t.Text(moment(t, c.c.NotAfter)) +
		"\n\n[Thumbprint]\n  " + upperHex(c.thumbprint()) + "\n"
	t.Allocate(len(s))
	return s
}

// NameParts are the parts of a distinguished name in DER as KEY=VALUE, in their
// order, with .NET's keys and without quotes.
func NameParts(raw []byte) []string {
	var out []string
	for _, set := range readName(raw) {
		var b strings.Builder
		for i, a := range set {
			if i > 0 {
				b.WriteString(" + ")
			}
			b.WriteString(attributeKey(a.Type.String()) + "=" + directoryString(a.Value))
		}
		out = append(out, b.String())
	}
	return out
}
