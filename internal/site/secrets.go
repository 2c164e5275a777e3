package site

import (
	"regexp"
	"strings"
)

// secretShapes are secrets that can be told by their look.
var secretShapes = []struct {
	what  string
	shape *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----`)},
	{"a subscription key", regexp.MustCompile(`^[0-9a-fA-F]{32}$`)},
	{"a key of an Azure service", regexp.MustCompile(`^[0-9A-Za-z]{84}$`)},
	{"a key of a model service", regexp.MustCompile(`^sk-[0-9A-Za-z_-]{16,}$`)},
	{"a token", regexp.MustCompile(`^eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*$`)},
	{"a connection string with its key", regexp.MustCompile(`(?i)\b(AccountKey|SharedAccessKey)=`)},
}

// looksSecret reports whether a name promises a secret.
func looksSecret(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"key", "secret", "password", "token", "credential", "value"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return false
}

// scanSecrets reports values that are secrets by their look: a private key, a
// subscription key, a key of a model service.
func (d *decoder) scanSecrets(root *value) {
	root.walk(func(v *value) {
		if v.kind != kindText && v.kind != kindNumber {
			return
		}
		for _, s := range secretShapes {
			if s.shape.MatchString(v.text) {
				d.config.src.hide(v.pos)
				d.r.conceal(v.text)
				d.r.Add(v.pos, "secret-in-clear", "a reference such as {env: NAME} or {file: PATH}",
					"keep it outside the site, name the place, and replace the secret: it has to be taken as known",
					"this looks like %s in clear", s.what)
			}
		}
	})
}
