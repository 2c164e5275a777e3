package backend

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// reference is {{name}} in a credential of apim/backends.
var reference = regexp.MustCompile(`\{\{\s*([A-Za-z0-9._-]+)\s*\}\}`)

// fill puts named values into text. It returns the result and the secrets
// that it holds: of a text without named values, the part behind a scheme such
// as "Bearer".
func (c *compiler) fill(text string) (whole secret.Value, secrets []secret.Value, err error) {
	found := false
	filled := reference.ReplaceAllStringFunc(text, func(r string) string {
		found = true
		v, hidden, e := c.namedValue(reference.FindStringSubmatch(r)[1])
		if e != nil && err == nil {
			err = e
		}
		if hidden {
			secrets = append(secrets, v)
		}
		return v.Reveal()
	})
	if err != nil {
		return secret.Value{}, nil, err
	}
	if !found {
		_, last, ok := strings.Cut(filled, " ")
		if !ok {
			last = filled
		}
		secrets = append(secrets, secret.New(last))
	}
	if strings.ContainsAny(filled, "\r\n\x00") {
		return secret.Value{}, nil, fmt.Errorf("the value has a line break, which no header can hold")
	}
	return secret.New(filled), secrets, nil
}

// namedValue finds a named value by display name, and whether it is secret.
func (c *compiler) namedValue(name string) (secret.Value, bool, error) {
	for _, n := range c.site.Service.NamedValues {
		if !strings.EqualFold(n.Name, name) {
			continue
		}
		if n.Ref == nil {
			return secret.New(n.Value), n.Secret, nil
		}
		v, err := secret.Resolve(n.Ref, c.opt.Secrets)
		if err != nil {
			return v, true, fmt.Errorf("the named value %q: %w", n.Name, err)
		}
		return v, true, nil
	}
	return secret.Value{}, false, fmt.Errorf("there is no named value %q", name)
}

// isCredential reports whether a header or parameter of this name holds
// something that must not be seen elsewhere. Others, a version or a tenant,
// may stand in requests to other hosts too.
func isCredential(name string, value string) bool {
	if reference.MatchString(value) {
		return true // what of it is secret the named value says
	}
	name = strings.ToLower(name)
	for _, word := range []string{"authorization", "key", "token", "secret", "password", "code", "sig"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// documentCredential is credentials.header and credentials.query of b.
func (c *compiler) documentCredential(b *site.Backend, at *service) {
	add := func(kind string, in map[string][]string, set func(string, ...secret.Value)) {
		for _, name := range sortedKeys(in) {
			var values []secret.Value
			for _, text := range in[name] {
				whole, secrets, err := c.fill(text)
				if err != nil {
					c.problems.Add(b.Pos, "backend-credential", "", "", "the %s %q of the backend %q: %v", kind, name, b.ID, err)
					return
				}
				values = append(values, whole)
				for _, s := range secrets {
					if isCredential(name, text) {
						c.set.minted.bind(s, at.authority, never)
					}
				}
			}
			set(name, values...)
		}
	}
	add("header", b.Headers, at.credential.setHeader)
	add("query parameter", b.Query, func(name string, values ...secret.Value) {
		at.credential.query = append(at.credential.query, named{name, values})
	})
}
