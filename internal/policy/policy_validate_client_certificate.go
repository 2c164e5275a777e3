package policy

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr/crypto"
)

func validateClientCertificateEntry() entry {
	return entry{
		name: "validate-client-certificate", sections: inOnly, scopes: everyScope,
		does: "the client certificate",
		tier: tierB, page: page{
			intro: "Refuses requests whose connection has no client certificate, or another one.",
			example: `
<validate-client-certificate validate-revocation="false" validate-trust="true" validate-not-before="true" validate-not-after="true" ignore-error="false">
  <identities>
    <identity subject="CN=team-a, O=&quot;Contoso, Inc.&quot;" issuer-subject="CN=Contoso Issuing CA" />
    <identity thumbprint="CA06F56B258B7A0D4F2B05470939478651151984" />
  </identities>
</validate-client-certificate>`,
			behaviour: []string{
				"Callers are asked for a certificate where their hostname has `clientCA` in cloister.yaml, and TLS has verified whatever one gets here: it is of one of those CAs.",
				"The certificate has to fit one `identity`, in all that this one says. Without `identities` every certificate will do.",
				"Thumbprints are SHA-1 fingerprints, serial numbers hexadecimal; case and separators do not count. Names (`subject`, `issuer-subject`) are compared part by part, in the order in which they are written or in its reverse. `dns-name` is one of the certificate's DNS names, without case.",
				"`issuer-certificate-id` is one of `certificates` in cloister.yaml.",
				"With `ignore-error=\"true\"` the pipeline goes on, and nobody is named.",
				"For an API with `callers: [policy]` the certificate names the caller: under the subscription that is bound to it (`boundTo.certificates`), if there is one that covers the API.",
				"`context.Request.Certificate` is the certificate, whether or not this policy stands there.",
			},
			differences: []string{
				"Revocation is not looked at. `validate-revocation` has to be `false`, which is not its default: a site that leaves it out is refused, so that nobody believes in it.",
				"`validate-trust=\"false\"` lets nobody in who has no certificate of a CA of the hostname: TLS refuses the others.",
				"The status of refusals is 403 with the message \"Invalid client certificate\"; the reference does not say.",
			},
			errors: []errorLine{
				{"ClientCertificateNotPresent", "there is no client certificate"},
				{"ClientCertificateNotTrusted", "its chain does not end at a CA of the hostname, or is over"},
				{"ClientCertificateNotValid", "it is not valid yet, or no longer"},
				{"ClientCertificateIdentityNotMatched", "it fits no identity"},
			},
		},
		attributes: []attribute{
			{name: "validate-revocation", expected: "false", otherwise: "true"},
			{name: "validate-trust", expected: "true or false", otherwise: "true"},
			{name: "validate-not-before", expected: "true or false", otherwise: "true"},
			{name: "validate-not-after", expected: "true or false", otherwise: "true"},
			{name: "ignore-error", expected: "true or false", otherwise: "false"},
		},
		children: []child{{
			name: "identities", expected: "<identity> elements",
			children: []child{{
				name: "identity", required: true, many: true, expected: "what a certificate has to be",
				attributes: []attribute{
					{name: "thumbprint", expected: "its SHA-1 fingerprint", expression: true},
					{name: "serial-number", expected: "its serial number", expression: true},
					{name: "common-name", expected: "its common name", expression: true},
					{name: "subject", expected: "its name", expression: true},
					{name: "dns-name", expected: "one of its DNS names", expression: true},
					{name: "issuer-subject", expected: "the name of its issuer", expression: true},
					{name: "issuer-thumbprint", expected: "the SHA-1 fingerprint of its issuer's certificate", expression: true},
					{name: "issuer-certificate-id", expected: "its issuer's certificate, one of the site", expression: true},
				},
			}},
		}},
		compile: compileValidateClientCertificate,
	}
}

type validateClientCertificate struct {
	trust, notBefore, notAfter, ignore bool
	identities                         []certificateIdentity
	known                              []Certificate
}

// certificateIdentity is what a certificate has to be; what is not given does
// not count.
type certificateIdentity struct{ conditions []certificateCondition }

type certificateCondition struct {
	want textValue
	fits func(want string, leaf, issuer *x509.Certificate, known []Certificate) bool
}

func compileValidateClientCertificate(c *compiler, n *Node) statement {
	s := &validateClientCertificate{
		trust: c.boolean(n, "validate-trust", true), notBefore: c.boolean(n, "validate-not-before", true),
		notAfter: c.boolean(n, "validate-not-after", true), ignore: c.boolean(n, "ignore-error", false),
		known: c.env.Certificates,
	}
	if c.boolean(n, "validate-revocation", true) {
		pos := n.Pos
		if a := n.Attribute("validate-revocation"); a != nil {
			pos = a.ValuePos
		}
		c.strict(pos, "not-built", "false", `write validate-revocation="false", and take certificates back by their subscription or CA`,
			"this gateway does not look at revocation, and %s asks for it", n.Name)
	}
	for _, list := range elements(n, "identities") {
		for _, k := range elements(list, "identity") {
			s.identities = append(s.identities, c.certificateIdentity(k))
		}
	}
	return s
}

func (c *compiler) certificateIdentity(n *Node) certificateIdentity {
	var out certificateIdentity
	for _, k := range certificateConditions() {
		want, ok := c.textAttribute(n, k.name)
		if !ok {
			continue
		}
		if want.compute == nil && strings.TrimSpace(want.literal) == "" {
			v, _ := c.attribute(n, k.name)
			c.malformed(v, k.name, "something that a certificate can be", "")
		}
		out.conditions = append(out.conditions, certificateCondition{want, k.fits})
	}
	if len(n.Attributes) == 0 {
		c.strict(n.Pos, "missing-attribute", "thumbprint, subject or another attribute", "", "this identity says nothing, so every certificate fits it")
	}
	if a := n.Attribute("issuer-certificate-id"); a != nil {
		if n.Attribute("issuer-subject") != nil || n.Attribute("issuer-thumbprint") != nil {
			c.strict(a.ValuePos, "second-issuer", "issuer-certificate-id, or the other attributes of the issuer", "remove one", "the issuer is named twice")
		}
		if _, computed := expressionStart(a.Value); !computed && !c.env.any && c.env.certificate(strings.TrimSpace(a.Value), "") == nil {
			v, _ := c.attribute(n, "issuer-certificate-id")
			c.unknownCertificate(v, "issuer-certificate-id")
		}
	}
	return out
}

type namedCondition struct {
	name string
	fits func(want string, leaf, issuer *x509.Certificate, known []Certificate) bool
}

func certificateConditions() []namedCondition {
	return []namedCondition{
		{"thumbprint", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			return thumbprint(leaf) == plainThumb(want)
		}},
		{"serial-number", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			plain := func(s string) string { return strings.TrimLeft(plainThumb(s), "0") }
			return plain(hex.EncodeToString(leaf.SerialNumber.Bytes())) == plain(want)
		}},
		{"common-name", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			return leaf.Subject.CommonName == strings.TrimSpace(want)
		}},
		{"subject", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			return isName(want, leaf.RawSubject)
		}},
		{"dns-name", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			return slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(want)) })
		}},
		{"issuer-subject", func(want string, leaf, _ *x509.Certificate, _ []Certificate) bool {
			return isName(want, leaf.RawIssuer)
		}},
		{"issuer-thumbprint", func(want string, _, issuer *x509.Certificate, _ []Certificate) bool {
			return issuer != nil && thumbprint(issuer) == plainThumb(want)
		}},
		{"issuer-certificate-id", func(want string, leaf, _ *x509.Certificate, known []Certificate) bool {
			found := (&Env{Certificates: known}).certificate(strings.TrimSpace(want), "")
			return want != "" && found != nil && found.Leaf() != nil && leaf.CheckSignatureFrom(found.Leaf()) == nil
		}},
	}
}

// isName reports whether a written name is a certificate's.
func isName(want string, raw []byte) bool {
	have := crypto.NameParts(raw)
	parts, ok := splitName(want)
	if !ok || len(parts) == 0 || len(parts) != len(have) {
		return false
	}
	if slices.Equal(parts, have) {
		return true
	}
	slices.Reverse(parts)
	return slices.Equal(parts, have)
}

// splitName takes a name apart into KEY=VALUE as certificates have it: commas,
// semicolons and line breaks separate, quotes hold them together.
func splitName(s string) (parts []string, ok bool) {
	var key, value strings.Builder
	inValue, quoted, wasQuoted := false, false, false
	flush := func() bool {
		k, v := strings.ToUpper(strings.TrimSpace(key.String())), value.String()
		if !wasQuoted {
			v = strings.TrimSpace(v)
		}
		key.Reset()
		value.Reset()
		complete := inValue
		inValue, wasQuoted = false, false
		if !complete || k == "" {
			return false
		}
		if k == "ST" {
			k = "S" // as .NET calls a state
		}
		parts = append(parts, k+"="+v)
		return true
	}
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case !inValue && r == '=':
			inValue = true
		case !inValue:
			key.WriteRune(r)
		case quoted && r == '"' && i+1 < len(runes) && runes[i+1] == '"':
			value.WriteRune('"')
			i++
		case quoted && r == '"':
			quoted = false
		case quoted:
			value.WriteRune(r)
		case r == '"' && strings.TrimSpace(value.String()) == "" && !wasQuoted:
			value.Reset()
			quoted, wasQuoted = true, true
		case r == ',' || r == ';' || r == '\n':
			if !flush() {
				return nil, false
			}
		case wasQuoted && r == ' ':
		default:
			value.WriteRune(r)
		}
	}
	if quoted || !flush() {
		return nil, false
	}
	return parts, true
}

func (s *validateClientCertificate) do(ctx context.Context, x *Exchange) (flow, *Error) {
	refusal, e := s.check(ctx, x)
	switch {
	case e != nil:
		return stop, e
	case refusal == nil:
		x.vouched(ctx, Vouched{Certificate: true})
	case s.ignore:
		x.say("ignored", refusal.Reason)
	default:
		return stop, refusal
	}
	return next, nil
}

// badCertificate is what callers are told; they get no more than that.
const badCertificate = "Invalid client certificate"

func (s *validateClientCertificate) check(ctx context.Context, x *Exchange) (refusal, e *Error) {
	k := x.ClientCertificate
	if k == nil || len(k.Chain) == 0 {
		return denied(http.StatusForbidden, "ClientCertificateNotPresent", "Client certificate is not present. Access denied.", badCertificate), nil
	}
	leaf, now := k.Chain[0], x.now()
	switch {
	case s.trust && !k.Trusted:
		return denied(http.StatusForbidden, "ClientCertificateNotTrusted", "Client certificate is not trusted. Access denied.", badCertificate), nil
	case s.notBefore && now.Before(leaf.NotBefore), s.notAfter && now.After(leaf.NotAfter):
		return denied(http.StatusForbidden, "ClientCertificateNotValid", "Client certificate is not valid at "+now.Format(time.RFC3339)+". Access denied.", badCertificate), nil
	case len(s.identities) == 0:
		return nil, nil
	}
	var issuer *x509.Certificate
	if len(k.Chain) > 1 {
		issuer = k.Chain[1]
	}
	for i := range s.identities {
		fits, e := s.identities[i].fits(ctx, x, leaf, issuer, s.known)
		if e != nil {
			return nil, e
		}
		if fits {
			return nil, nil
		}
	}
	return denied(http.StatusForbidden, "ClientCertificateIdentityNotMatched", "Client certificate fits no identity. Access denied.", badCertificate), nil
}

func (i *certificateIdentity) fits(ctx context.Context, x *Exchange, leaf, issuer *x509.Certificate, known []Certificate) (bool, *Error) {
	for k := range i.conditions {
		want, e := i.conditions[k].want.text(ctx, x)
		if e != nil {
			return false, e
		}
		if strings.TrimSpace(want) == "" || !i.conditions[k].fits(want, leaf, issuer, known) {
			return false, nil
		}
	}
	return len(i.conditions) > 0, nil
}
