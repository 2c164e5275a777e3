package secret

import "strings"

// CredentialName reports whether what has that name, a header, a parameter or a
// member of a JSON object, is a credential by common usage: Authorization, Set-Cookie,
// X-Api-Key, access_token, clientSecret. The last word counts, so that token_type is
// none.
func CredentialName(name string) bool {
	word, rest := lastWord(name)
	if is(word, "value") || is(word, "id") { // secretValue
		return is(word, "value") && rest != "" && CredentialName(rest)
	}
	for _, w := range [...]string{
		"authorization", "cookie", "token", "secret", "password", "passwd", "pwd", "credential", "credentials",
		"signature", "assertion", "sig", "apikey", "accesskey", "accesstoken", "clientsecret",
	} {
		if is(word, w) {
			return true
		}
	}
	if !is(word, "key") {
		return false
	}
	word, _ = lastWord(rest)
	for _, w := range [...]string{
		"api", "access", "subscription", "function", "functions", "auth", "secret", "master", "account", "shared",
		"private", "signing", "encryption", "client", "primary", "secondary",
	} {
		if is(word, w) {
			return true
		}
	}
	return false
}

func is(word, want string) bool { return len(word) == len(want) && strings.EqualFold(word, want) }

// lastWord divides a name before its last word: at a sign, or where a capital follows
// a small letter.
func lastWord(name string) (word, rest string) {
	for i := len(name) - 1; i >= 0; i-- {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.' || c == ' ':
			return name[i+1:], name[:i]
		case i > 0 && 'A' <= c && c <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z':
			return name[i:], name[:i]
		}
	}
	return name, ""
}
