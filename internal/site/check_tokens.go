package site

import (
	"net/netip"
	"strings"
)

func (c *checker) tokens() {
	seen := map[string]bool{}
	for i, is := range c.Tokens.Issuers {
		path := c.path("tokens.issuers", i)
		if seen[is.Issuer] && is.Issuer != "" {
			c.r.Add(c.at("%s.issuer", path), "duplicate-name", "each issuer once", "remove one", "%q stands twice", is.Issuer)
		}
		seen[is.Issuer] = true
		c.issuer(path, is)
	}
	for i, a := range c.Tokens.Audiences {
		pos := c.at("tokens.audiences[%d]", i)
		c.audience(a, pos, "")
		if !isCognitive(a) {
			continue
		}
		for _, is := range c.Tokens.Issuers {
			if len(is.Audiences) == 0 && !c.ownIssuer(is.Issuer) {
				c.cognitive(pos, is.Issuer)
				break
			}
		}
	}
}

func (c *checker) issuer(path string, is Issuer) {
	if !c.given("%s.issuer", path) {
		return
	}
	u, e, expected := parseURL(is.Issuer, "https")
	if u == nil {
		pos := c.at("%s.issuer", path)
		c.r.Add(pos, "invalid-value", expected, "", "%q is not an issuer", c.shownURL(is.Issuer, pos))
		return
	}
	if name, tenant := sharedAuthority(u.Path); name != "" {
		c.r.Add(c.at("%s.issuer", path), "shared-issuer", "the issuer of one tenant",
			"write your tenant's id in the place of "+name+": "+u.Scheme+"://"+u.Host+tenant,
			"%q is where every tenant signs in, and no token says it as its issuer", is.Issuer)
	}
	who := "the issuer " + is.Issuer
	switch {
	case is.JWKSURI != "":
		c.identityURL(is.JWKSURI, c.at("%s.jwksUri", path), who)
	case is.Metadata != "":
		c.identityURL(is.Metadata, c.at("%s.metadata", path), who)
	case !c.ownIssuer(is.Issuer):
		c.need("identity", e, c.at("%s.issuer", path), who)
	}
	c.sitePath(is.CAFile, path+".caFile")
	if len(is.Audiences) == 0 && len(c.Tokens.Audiences) == 0 {
		c.r.Add(c.at("%s", path), "missing-field", "audiences, here or in tokens.audiences",
			"add the gateway's own application id to tokens.audiences", "%s has no audience, so no token of it is for this gateway", who)
	}
	for i, a := range is.Audiences {
		c.audience(a, c.at("%s.audiences[%d]", path, i), is.Issuer)
	}
}

// sharedAuthority reports a path of Entra ID's that stands for more than one
// tenant, and the path to write.
func sharedAuthority(path string) (name, tenant string) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch strings.ToLower(first) {
	case "common", "organizations", "consumers":
		if rest = strings.TrimSuffix(rest, "/"); rest == "" || strings.EqualFold(rest, "v2.0") {
			return first, "/TENANT-ID" + strings.TrimPrefix(path, "/"+first)
		}
	}
	return "", ""
}

func (c *checker) identityURL(s string, pos Pos, who string) {
	u, e, expected := parseURL(s, "https")
	if u == nil {
		c.r.Add(pos, "invalid-value", expected, "", "%q is not where an identity provider can be", c.shownURL(s, pos))
		return
	}
	c.need("identity", e, pos, who)
}

// audience checks one audience; issuer is empty for tokens.audiences.
func (c *checker) audience(a string, pos Pos, issuer string) {
	if strings.TrimSpace(a) == "" {
		c.r.Add(pos, "invalid-value", "an application id", "", "the audience is empty")
	}
	if issuer != "" && isCognitive(a) && !c.ownIssuer(issuer) {
		c.cognitive(pos, issuer)
	}
}

func (c *checker) cognitive(pos Pos, issuer string) {
	c.r.Add(pos, "foreign-audience", "the gateway's own application id",
		"register an application for the gateway and let callers ask for tokens for it",
		"a token of %s for Azure AI services is a credential for Azure OpenAI itself, and must not be given to a gateway", issuer)
}

// isCognitive reports whether an audience is that of Azure OpenAI and its
// siblings, in any of the forms in which Entra ID writes it.
func isCognitive(a string) bool {
	a = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(a), "/.default"), "/")
	switch strings.TrimSuffix(a, "/") {
	case "https://cognitiveservices.azure.com", "https://cognitiveservices.azure.us",
		"https://cognitiveservices.azure.cn", "https://ai.azure.com", "https://ml.azure.com",
		"7d312290-28c8-473c-a0ed-8e53749b6d6d":
		return true
	}
	return false
}

// entraHost reports a host at which Entra ID, of any cloud, can be asked; each
// has public addresses.
func entraHost(host string) bool {
	switch host {
	case "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
		"login.chinacloudapi.cn", "login.windows.net", "sts.windows.net":
		return true
	}
	return false
}

// ownIssuer reports whether an issuer is the site's own: its host is one of
// the site's hostnames. On loopback, where other servers share the host, the
// port has to be that of a listener too.
func (c *checker) ownIssuer(issuer string) bool {
	u, e, _ := parseURL(issuer, "https")
	if u == nil {
		return false
	}
	for _, h := range c.Hostnames {
		if h.Name != e.host {
			continue
		}
		a, err := netip.ParseAddr(h.Name)
		if h.Name != "localhost" && !strings.HasSuffix(h.Name, ".localhost") && (err != nil || !a.IsLoopback()) {
			return true
		}
		for _, l := range c.Listeners {
			if l.Port == e.port {
				return true
			}
		}
	}
	return false
}

func (c *checker) tokenCallers() {
	var issuers []string
	for _, is := range c.Tokens.Issuers {
		issuers = append(issuers, is.Issuer)
	}
	for i, tc := range c.Tokens.Callers {
		path := c.path("tokens.callers", i)
		if len(tc.ClientApplicationIDs)+len(tc.Principals)+len(tc.Groups)+len(tc.Roles)+len(tc.Scopes) == 0 {
			c.r.Add(tc.Pos, "missing-field", "one of clientApplicationIds, principals, groups, roles, scopes",
				"say which tokens are meant", "the rule has no condition, so every token of a trusted issuer would match")
		}
		if tc.Subscription != "" && c.findSubscription(tc.Subscription) == "" {
			all := c.subscriptionNames()
			c.r.Add(c.at("%s.subscription", path), "unknown-reference", oneOf(all), didYouMean(tc.Subscription, all),
				"there is no subscription %q", tc.Subscription)
		}
		if tc.Issuer != "" && !contains(issuers, tc.Issuer) {
			c.r.Add(c.at("%s.issuer", path), "unknown-reference", oneOf(issuers), didYouMean(tc.Issuer, issuers),
				"%q is not one of tokens.issuers", tc.Issuer)
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
