package site

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"unicode"
)

// checker looks for what the field table cannot know: rules across fields and
// files. It never changes the configuration except where a rule completes it.
type checker struct {
	*decodedConfig
	r *report
	// service is the apim/ folder; empty, never nil.
	service *Service
	// network is the network/ folder; empty, never nil.
	network *Network
	// own are the endpoints that listeners name exactly.
	own []netip.AddrPort
	// vaults: some reference is to a Key Vault.
	vaults bool
	// missing remembers which destinations were already asked for.
	missing map[string]bool
	// documents are the files of the site.
	documents *folder
}

func newChecker(c *decodedConfig, s *Service, files map[string][]byte, r *report) *checker {
	return &checker{
		decodedConfig: c, service: s, r: r, missing: map[string]bool{},
		documents: &folder{files: files, claimed: map[string]bool{}},
	}
}

// checkConfig is what can be known from cloister.yaml alone.
func (c *checker) checkConfig() {
	c.name()
	c.prefixes()
	c.listeners()
	c.health()
	c.hostnames()
	c.policyCertificates()
	c.trustedProxies()
	c.destinations()
	c.tokens()
	c.namesAndTelemetry()
	c.state()
	c.audit()
	c.admin()
	c.capsInOrder()
	c.accepted()
}

// checkReferences is what needs the apim/ folder too.
func (c *checker) checkReferences() {
	c.callers()
	c.subscriptions()
	c.traced()
	c.tokenCallers()
	c.backends()
	c.serviceURLs()
}

func (c *checker) name() {
	// It stands in records, spans and the subject of the site's CA.
	control := func(r rune) bool { return !unicode.IsPrint(r) }
	if strings.TrimSpace(c.Name) != c.Name || (c.Name == "" && c.given("name")) || len(c.Name) > 63 ||
		strings.ContainsFunc(c.Name, control) {
		c.r.Add(c.at("name"), "invalid-value", "1 to 63 printable characters without spaces around them", "",
			"this is not a name") // and is not repeated: it may be a secret in the wrong place
	}
	if d := c.State.Directory; c.given("state.directory") {
		first, _, _ := strings.Cut(strings.TrimPrefix(d, "./"), "/")
		if d == "" || d == "." || siteFolder(first) {
			c.r.Add(c.at("state.directory"), "invalid-value", "a directory that holds nothing of the site", "",
				"state cannot live in %q", d)
		}
	}
}

// siteFolder reports whether a top-level name belongs to the site's documents.
func siteFolder(name string) bool {
	switch name {
	case "apim", "network", "access", "tls":
		return true
	}
	return false
}

// private reports whether addr is private to this site: in its prefixes, in
// the default ones, or loopback.
func (c *checker) private(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range c.PrivatePrefixes {
		if p.Prefix.Contains(addr) {
			return true
		}
	}
	return addr.IsLoopback() || within(netip.PrefixFrom(addr, addr.BitLen()), DefaultPrivatePrefixes())
}

// sitePath reports a path that is not relative to the site's directory.
func (c *checker) sitePath(path, where string) bool {
	if path == "" && !c.given("%s", where) {
		return false
	}
	if !fs.ValidPath(path) || path == "." {
		c.r.Add(c.at("%s", where), "invalid-value", "a path relative to the site's directory, with / and without ..",
			"put the file, or a mount of it, into tls/", "%q is not a path inside the site", path)
		return false
	}
	return true
}

// shownURL is a URL without what may be a secret in it, a password or a
// signature in the query; if it holds such, no excerpt shows its line either.
func (c *checker) shownURL(s string, pos Pos) string {
	shown, _, query := strings.Cut(s, "?")
	if query {
		shown += "?…"
	}
	scheme, rest, _ := strings.Cut(shown, "//")
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if at >= 0 {
		shown = scheme + "//…" + rest[at:]
	}
	if query || at >= 0 {
		c.r.source(pos.File, nil).hide(pos)
	}
	return shown
}

// accepted checks acceptedFields as far as it stands alone.
func (c *checker) accepted() {
	seen := map[string]bool{}
	for i, a := range c.AcceptedFields {
		file, field, ok := strings.Cut(a.Path, "#")
		switch {
		case !ok || file == "" || field == "":
			c.r.Add(a.Pos, "invalid-value", "FILE#FIELD.PATH", "copy it from the problem that it accepts",
				"%q names no field", a.Path)
		case seen[a.Path]:
			c.r.Add(a.Pos, "duplicate-name", "", "remove one", "%q is accepted twice", a.Path)
		case strings.TrimSpace(a.Reason) == "" && c.given("acceptedFields[%d].reason", i):
			c.r.Add(c.at("acceptedFields[%d].reason", i), "invalid-value", "a reason", "say why the site does without", "accepting %q needs a reason", a.Path)
		}
		seen[a.Path] = true
	}
}

// path names an element of a list for [decodedConfig.at].
func (c *checker) path(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
