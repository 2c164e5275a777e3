package site

import (
	"regexp"
	"strings"
)

// namedValues gives named values the place of their secret, and reports those
// that are used and have no value. Extracts hold many that nothing uses, such
// as the credentials of loggers; those stay quiet.
func (c *checker) namedValues() {
	used := c.usedNames()
	refs := c.namedValueRefs()
	var known []string
	for _, v := range c.service.NamedValues {
		if findFold(known, v.Name) != "" {
			c.r.Add(v.Pos, "duplicate-name", "each display name once", "rename one", "two named values have the display name %q", v.Name)
		}
		known = append(known, v.Name)
		if name, ok := refs[strings.ToLower(v.Name)]; ok {
			ref := c.NamedValues[name]
			if v.Value != "" {
				c.r.Add(c.at("namedValues.%s", name), "duplicate-name", "one value", "remove the value from "+v.Pos.File,
					"%q has a value in its document already", name)
				continue
			}
			v.Ref, v.Secret = &ref, true
		}
		c.valueOf(v, used[strings.ToLower(v.Name)])
	}
	for _, name := range sortedKeys(c.NamedValues) {
		if findFold(known, name) == "" {
			c.r.Add(c.at("namedValues.%s", name), "unknown-reference", oneOf(known), didYouMean(name, known),
				"no named value in apim/named values has the display name %q", name)
		}
	}
}

// namedValueRefs are the names in cloister.yaml by their lower case.
func (c *checker) namedValueRefs() map[string]string {
	refs := map[string]string{}
	for _, name := range sortedKeys(c.NamedValues) {
		key := strings.ToLower(name)
		if _, ok := refs[key]; ok {
			c.r.Add(c.at("namedValues.%s", name), "duplicate-name", "each name once; names are compared without case", "remove one",
				"the named value %q stands twice", name)
		}
		refs[key] = name
	}
	return refs
}

func (c *checker) valueOf(v *NamedValue, used bool) {
	mend := "say where it rests: " + c.paste([]string{"namedValues"}, v.Name, "{env: NAME}")
	switch {
	case v.Value != "" || v.Ref != nil:
	case !used:
		c.r.Note(v.Pos, "no-value", "the named value %q has no value, and nothing uses it", v.Name)
	case v.KeyVault != "":
		v.Ref, v.Secret = &SecretRef{Pos: v.Pos, KeyVault: strings.TrimSuffix(v.KeyVault, "/")}, true
		c.vaultURL(v.Ref.KeyVault, "secrets", v.Pos)
	case v.Secret:
		c.r.Add(v.Pos, "missing-value", "a value", mend, "the secret named value %q has no value: extracts never hold one", v.Name)
	default:
		c.r.Add(v.Pos, "missing-value", "a value", `write "value": "…"`, "the named value %q has no value", v.Name)
	}
}

// namedValueReference is {{name}}.
var namedValueReference = regexp.MustCompile(`\{\{\s*([A-Za-z0-9._-]+)\s*\}\}`)

// usedNames are the names in {{…}} of every policy and backend, in lower case.
func (c *checker) usedNames() map[string]bool {
	used := map[string]bool{}
	scan := func(s string) {
		for _, m := range namedValueReference.FindAllStringSubmatch(s, -1) {
			used[strings.ToLower(m[1])] = true
		}
	}
	for _, p := range policies(c.service) {
		scan(string(p.Source))
	}
	for _, b := range c.service.Backends {
		for _, m := range []map[string][]string{b.Headers, b.Query} {
			for _, list := range m {
				scan(strings.Join(list, "\n"))
			}
		}
	}
	for _, v := range c.service.NamedValues {
		scan(v.Value)
	}
	return used
}

// policies are all policy documents of the service.
func policies(s *Service) []*PolicyFile {
	all := []*PolicyFile{s.Policy}
	for _, a := range s.APIs {
		all = append(all, a.Policy)
		for _, o := range a.Operations {
			all = append(all, o.Policy)
		}
	}
	for _, p := range s.Products {
		all = append(all, p.Policy)
	}
	for _, f := range s.Fragments {
		all = append(all, f.Policy)
	}
	present := all[:0]
	for _, p := range all {
		if p != nil {
			present = append(present, p)
		}
	}
	return present
}
