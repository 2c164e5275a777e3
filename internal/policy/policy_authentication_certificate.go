package policy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	certs "github.com/cloister-ai/cloister/internal/csharp/clr/crypto"
)

func authenticationCertificateEntry() entry {
	return entry{
		name: "authentication-certificate", sections: inOnly, scopes: everyScope,
		does: "client certificate to the backend",
		tier: tierA, page: page{
			intro: "Shows a client certificate to the backend. In `send-request` it is for that request.",
			example: `
<authentication-certificate body="@(Convert.FromBase64String((string)context.Variables["certificate"]))" password="@((string)context.Variables["password"])" />`,
			behaviour: []string{
				"`certificate-id` and `thumbprint` name one of `certificates` in cloister.yaml: by its name there, or by its SHA-1 fingerprint. What is written and not there is an error when the site is loaded.",
				"`body` is a PKCS #12 file with certificate and key, as a `byte[]` or as text in base64; `password` is its password.",
				"It counts for every attempt at a backend that follows, members of pools included, until another one takes its place. Connections with a certificate are not used for requests without it.",
			},
			differences: []string{
				"Exactly one of `certificate-id`, `thumbprint` and `body` is given.",
				"A PKCS #12 file has 64 KiB at most, and its password is hashed a million times at most.",
			},
			errors: []errorLine{
				{"BackendCredentialFailure", "there is no such certificate, or `body` holds none with a key: 500"},
				{"ExpressionValueEvaluationFailure", "an expression throws"},
			},
		},
		attributes: []attribute{
			{name: "thumbprint", expected: "the SHA-1 fingerprint of a certificate of the site", expression: true},
			{name: "certificate-id", expected: "a certificate of the site", expression: true},
			{name: "body", expected: "a PKCS #12 file: byte[], or base64", expression: true},
			{name: "password", expected: "its password", expression: true},
		},
		compile: compileAuthenticationCertificate,
	}
}

type authenticationCertificate struct {
	thumb, id, body, password textValue
	// known are the certificates of the site; fixed is the one that is written.
	known []Certificate
	fixed *tls.Certificate
}

func compileAuthenticationCertificate(c *compiler, n *Node) statement {
	s := &authenticationCertificate{known: c.env.Certificates}
	given := 0
	for _, a := range []struct {
		name string
		to   *textValue
	}{{"thumbprint", &s.thumb}, {"certificate-id", &s.id}, {"body", &s.body}} {
		if *a.to, _ = c.textAttribute(n, a.name); n.Attribute(a.name) != nil {
			given++
		}
	}
	s.password, _ = c.textAttribute(n, "password")
	const expected = "one of certificate-id, thumbprint, body"
	switch {
	case given == 0:
		c.add(n.Pos, "missing-attribute", expected, "", "%s names no certificate", n.Name)
	case given > 1:
		c.strict(n.Pos, "second-certificate", expected, "remove the others", "%s names more than one certificate", n.Name)
	case s.thumb.given && s.thumb.compute == nil:
		s.fix(c, n, "thumbprint", c.env.certificate("", s.thumb.literal))
	case s.id.given && s.id.compute == nil:
		s.fix(c, n, "certificate-id", c.env.certificate(s.id.literal, ""))
	}
	return s
}

func (s *authenticationCertificate) fix(c *compiler, n *Node, name string, found *Certificate) {
	switch {
	case found != nil && found.Pair.PrivateKey == nil:
		c.strict(n.Attribute(name).ValuePos, "certificate-without-key", "a certificate with its key", "give the key in certificates of cloister.yaml",
			"the certificate cannot be shown: the site has no key of it")
	case found != nil:
		s.fixed = found.Pair
	case !c.env.any:
		if v, ok := c.attribute(n, name); ok {
			c.unknownCertificate(v, name)
		}
	}
}

func (s *authenticationCertificate) do(ctx context.Context, x *Exchange) (flow, *Error) {
	pair, e := s.certificate(ctx, x)
	if e != nil {
		return stop, e
	}
	if x.making != nil {
		x.making.certificate = pair
	} else {
		x.Request.Certificate = pair
	}
	if x.Observer != nil && pair.Leaf != nil {
		x.say("certificate", thumbprint(pair.Leaf))
	}
	return next, nil
}

func (s *authenticationCertificate) certificate(ctx context.Context, x *Exchange) (*tls.Certificate, *Error) {
	if s.fixed != nil {
		return s.fixed, nil
	}
	if s.body.given {
		return s.fromBody(ctx, x)
	}
	id, e := s.id.text(ctx, x)
	if e != nil {
		return nil, e
	}
	thumb, e := s.thumb.text(ctx, x)
	if e != nil {
		return nil, e
	}
	env := Env{Certificates: s.known}
	if found := env.certificate(strings.TrimSpace(id), thumb); found != nil && (id != "" || thumb != "") && found.Pair.PrivateKey != nil {
		return found.Pair, nil
	}
	return nil, noCredential("The site holds no certificate of that name with a key.", nil)
}

// largestPFX bounds a certificate of a document, in bytes.
const largestPFX = 64 << 10

func (s *authenticationCertificate) fromBody(ctx context.Context, x *Exchange) (*tls.Certificate, *Error) {
	v, e := s.body.value(ctx, x)
	if e != nil {
		return nil, e
	}
	password, e := s.password.text(ctx, x)
	if e != nil {
		return nil, e
	}
	var content []byte
	if a, ok := v.O.(*clr.ArrayObject); ok && a.T == clr.Byte.ArrayOf(1) {
		content = a.Bytes
	} else if v.Is(clr.String) {
		var err error
		if content, err = base64.StdEncoding.DecodeString(strings.TrimSpace(v.S)); err != nil {
			return nil, noCredential("The certificate is not base64.", nil)
		}
	}
	if len(content) == 0 || len(content) > largestPFX {
		return nil, noCredential("There is no certificate.", errors.New("body is empty, too large, or no byte[]"))
	}
	pair, err := x.Services.pfx(content, password)
	if err != nil {
		return nil, noCredential("The certificate cannot be read.", err)
	}
	return pair, nil
}

// pfxCache remembers the PKCS #12 files that documents hold: their passwords are
// hashed very often. The zero pfxCache is empty.
type pfxCache struct {
	mu    sync.Mutex // guards known
	known map[[sha256.Size]byte]*tls.Certificate
}

// mostPFX bounds what is remembered.
const mostPFX = 32

// pfx reads a PKCS #12 file.
func (s *Services) pfx(content []byte, password string) (*tls.Certificate, error) {
	if s == nil {
		return readPFX(content, password)
	}
	c := &s.certificates
	key := sha256.Sum256(bytes.Join([][]byte{content, []byte(password)}, []byte{0}))
	c.mu.Lock()
	pair := c.known[key]
	c.mu.Unlock()
	if pair != nil {
		return pair, nil
	}
	pair, err := readPFX(content, password)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= mostPFX {
		c.known = map[[sha256.Size]byte]*tls.Certificate{}
	}
	c.known[key] = pair
	return pair, nil
}

func readPFX(content []byte, password string) (*tls.Certificate, error) {
	key, chain, err := certs.ReadPFX(content, password)
	if err != nil {
		return nil, err
	}
	pair := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}
