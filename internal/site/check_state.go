package site

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
)

// state checks where durable state and its keys are.
func (c *checker) state() {
	if p := c.State.Postgres; p != nil {
		c.postgres(p)
		if c.State.Encryption == nil {
			c.r.Add(p.Pos, "missing-field", "state.encryption", `make a key with "cloister key create FILE" and name it in state.encryption.keyFile`,
				"state in a shared database is sealed, and no key-encryption key is named")
		}
	}
	e := c.State.Encryption
	if e == nil {
		return
	}
	if e.KeyFile != nil {
		c.secretRef(e.KeyFile.Passphrase)
	}
	if e.KeyVault != nil && c.given("state.encryption.keyVault.key") {
		c.vaultURL(e.KeyVault.Key, "keys", c.at("state.encryption.keyVault.key"))
	}
}

func (c *checker) postgres(p *Postgres) {
	c.secretRef(p.Password)
	c.sitePath(p.CAFile, "state.postgres.caFile")
	if !c.given("state.postgres.host") {
		return
	}
	pos := c.at("state.postgres.host")
	if why := badHost(p.Host); why != "" {
		c.r.Add(pos, "invalid-value", why, hostMend(p.Host), "%q is not a host", p.Host)
		return
	}
	e := endpoint{p.Host, p.Port}
	c.need("state", e, pos, "the shared state")
	if p.SSLMode == "disable" && !e.addr().IsLoopback() {
		c.r.Add(c.at("state.postgres.sslMode"), "cleartext", "verify-full", "remove the line",
			"state would cross the network in clear")
	}
}

// vaultURL checks an identifier of Azure Key Vault, https://VAULT/KIND/NAME
// with an optional /VERSION, and that its vault may be reached.
func (c *checker) vaultURL(s, kind string, pos Pos) {
	expected := "https://VAULT/" + kind + "/NAME, with /VERSION to pin one"
	path := regexp.MustCompile(`^/` + kind + `/[0-9A-Za-z-]{1,127}(/[0-9A-Za-z]{1,64})?$`)
	u, e, _ := parseURL(s, "https")
	if u == nil || !path.MatchString(u.Path) {
		c.r.Add(pos, "invalid-value", expected, "", "%q is not an identifier of Key Vault", c.shownURL(s, pos))
		return
	}
	c.vaults = true
	c.need("secret", e, pos, "the vault "+e.host)
}

// keyVault checks how vaults are reached.
func (c *checker) keyVault() {
	k := &c.KeyVault
	c.sitePath(k.CAFile, "keyVault.caFile")
	if s := k.Credential.ClientSecret; s != nil {
		c.identityURL(s.Authority, c.at("keyVault.credential.clientSecret.authority"), "the credential for vaults")
		c.secretRef(s.Secret)
		c.sitePath(s.CAFile, "keyVault.credential.clientSecret.caFile")
		if s.Secret != nil && s.Secret.KeyVault != "" {
			c.r.Add(s.Secret.Pos, "invalid-value", "a file, a variable or a systemd credential", "",
				"what opens the vault cannot lie in it")
		}
		return
	}
	m := k.Credential.ManagedIdentity
	switch {
	case m != nil:
		c.managedIdentity(m)
	case c.vaults:
		c.managedIdentity(&ManagedIdentity{Pos: c.Config.Pos})
	}
}

// audit checks the witness of the chained log.
func (c *checker) audit() {
	seen := map[string]bool{}
	for i, d := range c.Audit.Digests {
		if seen[d] {
			c.r.Add(c.at("audit.digests[%d]", i), "duplicate-name", "", "remove one", "%q stands twice", d)
		}
		seen[d] = true
	}
	w := c.Audit.Witness
	if w == nil {
		return
	}
	c.secretRef(w.Token)
	c.sitePath(w.CAFile, "audit.witness.caFile")
	switch {
	case (w.File == "") == (w.URL == ""):
		c.r.Add(w.Pos, "invalid-value", "file or url", "", "a witness is one file or one URL")
	case w.File != "" && !filepath.IsAbs(w.File):
		c.r.Add(c.at("audit.witness.file"), "invalid-value", "an absolute path on another volume",
			"what can be rolled back together with the log witnesses nothing", "%q is not an absolute path", w.File)
	case w.File != "" && (w.Token != nil || w.CAFile != ""):
		c.r.Add(w.Pos, "invalid-value", "file alone", "remove token and caFile", "token and caFile are for a witness with a URL")
	case w.URL != "":
		pos := c.at("audit.witness.url")
		u, e, expected := parseURL(w.URL, "https")
		if u == nil {
			c.r.Add(pos, "invalid-value", expected, "", "%q is not a witness", c.shownURL(w.URL, pos))
			return
		}
		c.need("state", e, pos, "the witness")
	}
}

// admin checks who may operate the gateway from afar.
func (c *checker) admin() {
	a := &c.Admin
	c.sitePath(a.ClientCA, "admin.clientCA")
	for i, aud := range a.Audiences {
		pos := c.at("admin.audiences[%d]", i)
		c.audience(aud, pos, "")
		if slices.Contains(c.Tokens.Audiences, aud) {
			c.r.Add(pos, "foreign-audience", "an application id of its own",
				"register another application for the operators", "%q is the audience of callers' tokens, which must not operate the gateway", aud)
		}
	}
	for i := range a.Roles {
		c.adminRole(&a.Roles[i], c.path("admin.roles", i))
	}
	if a.Listener == nil {
		if len(a.Roles) > 0 {
			c.r.Warn(c.at("admin.roles"), "nobody-can-call", "add admin.listener", "roles are given, and the door stands nowhere: on the socket only the gateway's own user and root count")
		}
		return
	}
	if len(a.Roles) == 0 {
		c.r.Warn(a.Listener.Pos, "nobody-can-call", "add admin.roles", "the door stands, and nobody has a role")
	}
	c.adminListener(a.Listener)
	if a.Hostname != "" && !slices.ContainsFunc(c.Hostnames, func(h Hostname) bool { return h.Name == a.Hostname }) {
		var known []string
		for _, h := range c.Hostnames {
			known = append(known, h.Name)
		}
		c.r.Add(c.at("admin.hostname"), "unknown-reference", oneOf(known), didYouMean(a.Hostname, known), "there is no hostname %q", a.Hostname)
	}
}

func (c *checker) adminListener(l *Listener) {
	pos := c.at("admin.listener.address")
	addr, err := netip.ParseAddr(l.Address)
	if err != nil || !c.standsPrivate(addr, pos) {
		if err != nil && c.given("admin.listener.address") {
			c.r.Add(pos, "invalid-value", "an IP address", "", "%q is not an address", l.Address)
		}
		return
	}
	ap := netip.AddrPortFrom(addr.Unmap(), uint16(l.Port))
	if l.Port != 0 && slices.Contains(c.own, ap) {
		c.r.Add(pos, "duplicate-name", "an endpoint of its own", "", "a listener stands on %s already", ap)
	}
	c.own = append(c.own, ap)
}

func (c *checker) adminRole(r *AdminRole, path string) {
	if r.Certificates == nil && r.ClientApplicationIDs == nil && r.Principals == nil && r.Groups == nil && r.Roles == nil {
		c.r.Add(r.Pos, "missing-field", "certificates, principals, groups, roles or clientApplicationIds", "", "the entry says nothing about who has the role")
		return
	}
	tokens := r.Issuer != "" || r.ClientApplicationIDs != nil || r.Principals != nil || r.Groups != nil || r.Roles != nil
	switch {
	case r.Certificates != nil && tokens:
		c.r.Add(r.Pos, "invalid-value", "two entries", "", "an entry is for certificates or for tokens")
	case r.Certificates != nil && c.Admin.ClientCA == "" && c.Admin.Listener != nil:
		c.r.Warn(r.Pos, "nobody-can-call", "add admin.clientCA", "no operator is asked for a certificate")
	case tokens && len(c.Admin.Audiences) == 0:
		c.r.Warn(r.Pos, "nobody-can-call", "add admin.audiences", "no audience is given, so no token is for the operator's door")
	}
	if r.Issuer != "" && !slices.ContainsFunc(c.Tokens.Issuers, func(is Issuer) bool { return is.Issuer == r.Issuer }) {
		var known []string
		for _, is := range c.Tokens.Issuers {
			known = append(known, is.Issuer)
		}
		c.r.Add(c.at("%s.issuer", path), "unknown-reference", oneOf(known), didYouMean(r.Issuer, known), "%q is not one of tokens.issuers", r.Issuer)
	}
	c.fingerprints(r.Certificates, path+".certificates")
}

// fingerprints checks a list of certificate fingerprints.
func (c *checker) fingerprints(list []string, path string) {
	shape := regexp.MustCompile(`^[0-9a-f]{64}$`)
	for i, f := range list {
		if !shape.MatchString(f) {
			c.r.Add(c.at("%s[%d]", path, i), "invalid-value",
				"64 hexadecimal digits in lower case, without colons", plainFingerprint(f), "%q is not a SHA-256 fingerprint", f)
		}
	}
}

// capsInOrder: a narrower cap that is above a wider one caps nothing.
func (c *checker) capsInOrder() {
	l := &c.Limits
	for _, p := range []struct {
		name string
		is   int
		what string
		over int
	}{
		{"maxConnectionsPerClient", l.MaxConnectionsPerClient, "maxConnectionsPerPrefix", l.MaxConnectionsPerPrefix},
		{"maxConnectionsPerPrefix", l.MaxConnectionsPerPrefix, "maxConnections", l.MaxConnections},
	} {
		if p.is > p.over && c.given("limits.%s", p.name) {
			c.r.Warn(c.at("limits.%s", p.name), "no-effect", "lower it, or raise "+p.what,
				"%s is above %s (%d), which counts first", p.name, p.what, p.over)
		}
	}
}
