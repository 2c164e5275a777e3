package verify

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// maxKeyID is the longest kid that is looked up, in bytes.
const maxKeyID = 256

// jws is a token whose spelling is canonical and whose signature nobody has
// looked at.
type jws struct {
	header header
	// payload is the decoded second part.
	payload []byte
	// signed is the bytes that the signature is over.
	signed    string
	signature []byte
}

// header is what of a JOSE header counts. jwk, jku, x5u and x5c are read by
// nobody: a key that a token brings along proves nothing (RFC 8725, 3.10).
type header struct {
	algorithm, keyID, typ string
	hasKeyID              bool
}

// parseJWS is rows 1 to 3 for the header, and 8. Row 8 stands before the
// signature, because a header that asks for something unknown may change what
// the signature is over.
func parseJWS(raw string) (*jws, *Error) {
	if len(raw) > MaxTokenSize {
		return nil, refuse(TokenTooLarge, "the token has %d bytes", len(raw))
	}
	parts := strings.Split(raw, ".")
	switch len(parts) {
	case 3:
	case 5:
		return nil, refuse(TokenEncrypted, "encrypted tokens are not accepted")
	default:
		return nil, refuse(TokenMalformed, "the token has %d parts", len(parts))
	}
	var decoded [3][]byte
	for i, name := range []string{"header", "payload", "signature"} {
		var err error
		if decoded[i], err = decodeBase64(parts[i]); err != nil {
			return nil, refuse(EncodingRefused, "the %s: %w", name, err)
		}
	}
	h, err := parseHeader(decoded[0])
	if err != nil {
		return nil, err
	}
	return &jws{
		header: h, payload: decoded[1], signature: decoded[2],
		signed: raw[:len(parts[0])+1+len(parts[1])],
	}, nil
}

func parseHeader(src []byte) (header, *Error) {
	object, err := parseObject(src)
	if err != nil {
		return header{}, refuse(JSONRefused, "the header: %w", err)
	}
	for _, name := range []string{"crit", "b64", "zip"} {
		if object.get(name) != nil {
			return header{}, refuse(HeaderCritical, "the header has %q", name)
		}
	}
	var h header
	for name, field := range map[string]*string{"alg": &h.algorithm, "kid": &h.keyID, "typ": &h.typ} {
		v := object.get(name)
		if v == nil {
			continue
		}
		if v.kind != jsonText {
			return header{}, refuse(JSONRefused, "the header's %q is not a string", name)
		}
		*field = v.text
	}
	h.hasKeyID = object.get("kid") != nil
	if len(h.keyID) > maxKeyID {
		return header{}, refuse(KeyUnknown, "the key id has %d bytes", len(h.keyID))
	}
	return h, nil
}

func encodeBase64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decodeBase64 accepts one spelling per value: the URL alphabet, no padding,
// no line breaks (which encoding/base64 skips), unused bits zero.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("a line break in base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// checkAlgorithm is the first half of row 4: the issuer's allow-list.
func (j *jws) checkAlgorithm(allowed []string) *Error {
	alg := j.header.algorithm
	if _, known := lookupAlgorithm(alg); !known || !slices.Contains(allowed, alg) {
		return refuse(AlgorithmRefused, "algorithm %.32q is not one of %v", alg, allowed)
	}
	return nil
}

// checkSignature is the second half of row 4, and row 7.
func (j *jws) checkSignature(k *Key) *Error {
	if !k.accepts(j.header.algorithm) {
		return refuse(AlgorithmOfOtherKey, "key %.64q is not for algorithm %q", k.ID, j.header.algorithm)
	}
	alg, known := lookupAlgorithm(j.header.algorithm)
	if !known || !alg.verify(k.public, []byte(j.signed), j.signature) {
		return refuse(SignatureInvalid, "the signature is not by key %.64q", k.ID)
	}
	return nil
}

// VerifyJWS checks the signature of a compact JWS against the set: rows 1 to
// 5, 7 and 8, nothing about claims. It returns the payload. The error is an
// [*Error].
func (s *KeySet) VerifyJWS(raw string, algorithms []string) ([]byte, error) {
	j, err := parseJWS(raw)
	if err != nil {
		return nil, err
	}
	if err := j.checkAlgorithm(algorithms); err != nil {
		return nil, err
	}
	if !j.header.hasKeyID {
		return nil, refuse(KeyIDMissing, "the header has no kid")
	}
	k := s.find(j.header.keyID)
	if k == nil {
		return nil, refuse(KeyUnknown, "the set has no key %.64q", j.header.keyID)
	}
	if err := j.checkSignature(k); err != nil {
		return nil, err
	}
	return j.payload, nil
}
