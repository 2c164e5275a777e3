package verify

import "strings"

// MaxTokenSize is the longest token that is looked at, in bytes.
const MaxTokenSize = 16 << 10

// ExtractBearer reads the values of the Authorization header. ok is false
// where there is none. token says that the credential has two dots: it is a
// token then, and must never be tried as a key; without, it can only be a
// key. The error is an [*Error] with status 400: the header came more than
// once, has another scheme, or is not one Bearer credential (RFC 6750,
// section 2.1). Query and form parameters are never looked at.
func ExtractBearer(values []string) (credential string, token, ok bool, err error) {
	switch len(values) {
	case 0:
		return "", false, false, nil
	case 1:
	default:
		return "", false, false, refuse(AuthorizationRepeated, "%d Authorization headers", len(values))
	}
	scheme, credential, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false, false, refuse(AuthorizationMalformed, "the scheme is not Bearer")
	}
	if len(credential) > MaxTokenSize {
		return "", false, false, refuse(TokenTooLarge, "the credential has %d bytes", len(credential))
	}
	if !isToken68(credential) {
		return "", false, false, refuse(AuthorizationMalformed, "the credential is empty or has a byte that none may have")
	}
	switch strings.Count(credential, ".") {
	case 2:
		token = true
	case 4:
		return "", false, false, refuse(TokenEncrypted, "encrypted tokens are not accepted")
	}
	return credential, token, true, nil
}

// isToken68 is RFC 9110's token68: what a credential may consist of.
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		c := body[i]
		if !isAlphanumeric(c) && !strings.ContainsRune("-._~+/", rune(c)) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
