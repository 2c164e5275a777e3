package policy

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity/verify"
)

// entraAuthority is Microsoft Entra ID of the public cloud.
const entraAuthority = "https://login.microsoftonline.com"

func validateAzureADTokenEntry() entry {
	ids := func(name, what string) child {
		return child{name: name, expected: "<application-id> elements", children: []child{
			{name: "application-id", required: true, many: true, expected: what, text: hasText, expression: true},
		}}
	}
	const newer = "is not built: tokens that are bound to a key, or forwarded under one, are refused"
	return entry{
		name: "validate-azure-ad-token", sections: inOnly, scopes: everyScope,
		does: "an Entra ID token",
		tier: tierA, page: page{
			intro: "Verifies a token of Microsoft Entra ID, and refuses requests that have none or another one.",
			example: `
<validate-azure-ad-token tenant-id="11111111-2222-3333-4444-555555555555" failed-validation-httpcode="401" failed-validation-error-message="Unauthorized">
  <client-application-ids>
    <application-id>aaaaaaaa-0000-4000-8000-000000000001</application-id>
  </client-application-ids>
  <audiences>
    <audience>api://contoso-gateway</audience>
  </audiences>
</validate-azure-ad-token>`,
			behaviour: append([]string{
				"Without a place the token is in `Authorization`.",
				"The keys are those of the tenant's OpenID configurations: of version 2.0, or of 1.0 for tokens that say `ver: 1.0`. `authentication-endpoint` names another cloud; its host is listed in `destinations.identity`, like the one of the public cloud.",
				"`tenant-id` is the id or a domain of a tenant, or `organizations` or `common` for tokens of every tenant. The tenant of the token (`tid`) has to be the one in its issuer.",
				"With `client-application-ids` the client (`azp` or `appid`) is one of them. GUIDs have no case.",
				"With `backend-application-ids` the audience is one of them, as such or as `api://ID`; with `audiences` it is one of those; with both, both hold.",
			}, tokenBehaviour()...),
			differences: []string{
				"`decryption-keys`, `allow-proof-of-possession-tokens`, `allow-protected-forwarded-tokens` and `output-pft-token-variable-name` are refused when the site is loaded.",
				"The reference does not say what `backend-application-ids` are compared with.",
				"A token that names two clients is refused, as is one that was sent more than once, a `typ` that is neither `JWT` nor `at+jwt`, and one with `cnf`.",
				"What an error says beside its reason is the gateway's own text.",
			},
			errors: tokenErrors(),
		},
		attributes: append([]attribute{
			{name: "tenant-id", required: true, expected: "the id or a domain of the tenant", expression: true},
			{name: "authentication-endpoint", expected: "the https URL of the authority", otherwise: entraAuthority, expression: true},
			{name: "allow-proof-of-possession-tokens", expected: "false", otherwise: "false"},
			{name: "allow-protected-forwarded-tokens", expected: "false", otherwise: "false"},
			{name: "output-pft-token-variable-name", expected: newer},
		}, tokenAttributes()...),
		children: []child{
			ids("client-application-ids", "a client that is accepted"),
			ids("backend-application-ids", "an application that the token may be for"),
			{name: "audiences", expected: "<audience> elements", children: []child{
				{name: "audience", required: true, many: true, expected: "an audience that is accepted", text: hasText, expression: true},
			}},
			requiredClaims(),
			{name: "decryption-keys", expected: "<key> elements", children: []child{{
				name: "key", required: true, many: true, expected: "a certificate of the site",
				attributes: []attribute{{name: "certificate-id", required: true, expected: "a certificate of the site"}},
			}}},
		},
		compile: compileValidateAzureADToken,
	}
}

type validateAzureADToken struct {
	validateJWT
	tenantID, endpoint textValue
	clients, backends  []textValue
}

func compileValidateAzureADToken(c *compiler, n *Node) statement {
	s := &validateAzureADToken{validateJWT: validateJWT{
		tokenSource:   c.tokenSource(n, "Authorization"),
		requireExpiry: boolValue{literal: true}, requireSigned: boolValue{literal: true}, tenant: true,
	}}
	s.tenantID, _ = c.textAttribute(n, "tenant-id")
	s.endpoint, _ = c.textAttribute(n, "authentication-endpoint")
	for _, name := range []string{"allow-proof-of-possession-tokens", "allow-protected-forwarded-tokens"} {
		if c.boolean(n, name, false) {
			c.strict(n.Attribute(name).ValuePos, "not-built", "false", "remove it", "%q would accept tokens that this gateway cannot verify", name)
		}
	}
	if a := n.Attribute("output-pft-token-variable-name"); a != nil {
		c.strict(a.Pos, "not-built", "", "remove it", "forwarded tokens are not read by this gateway")
	}
	c.noDecryption(n)
	for _, list := range elements(n, "client-application-ids") {
		s.clients = c.texts(list, "application-id")
	}
	for _, list := range elements(n, "backend-application-ids") {
		s.backends = c.texts(list, "application-id")
	}
	for _, list := range elements(n, "audiences") {
		s.audiences = c.texts(list, "audience")
	}
	s.claims = c.requiredClaims(n)
	s.place(c, n)
	if s.audiences == nil && s.backends == nil && !s.requires("aud") {
		c.warn(n.Pos, "any-audience", "add <audiences> with the gateway's own application id",
			"%s accepts tokens that were issued for others: it names no audience", n.Name)
	}
	return s
}

// place looks at tenant and authority where they are written.
func (s *validateAzureADToken) place(c *compiler, n *Node) {
	if !s.tenantID.given || s.tenantID.compute != nil || s.endpoint.compute != nil {
		return
	}
	for _, version := range []int{2, 1} {
		u, ok := configurationOf(s.endpoint.literal, s.tenantID.literal, version)
		if !ok {
			name := "tenant-id"
			if _, fine := configurationOf(s.endpoint.literal, "tenant", version); !fine {
				name = "authentication-endpoint"
			}
			if v, ok := c.attribute(n, name); ok {
				c.malformed(v, name, "the id of a tenant, and an https URL", "")
			}
			return
		}
		pos := s.tenantID.pos
		if s.endpoint.given {
			pos = s.endpoint.pos
		}
		s.uses = append(s.uses, ConfigurationUse{u, pos, s.tenantID.secret || s.endpoint.secret})
	}
}

// configurationOf is where a tenant's OpenID configuration is; false: that is no
// tenant, or no authority.
func configurationOf(authority, tenant string, version int) (string, bool) {
	if authority = strings.TrimRight(strings.TrimSpace(authority), "/"); authority == "" {
		authority = entraAuthority
	}
	tenant = strings.TrimSpace(tenant)
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.'
	}
	u, err := url.Parse(authority)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		strings.Trim(tenant, ".") == "" || strings.ContainsFunc(tenant, func(r rune) bool { return !plain(r) }) {
		return "", false
	}
	path := "/v2.0"
	if version == 1 {
		path = ""
	}
	return authority + "/" + tenant + path + "/.well-known/openid-configuration", true
}

func (s *validateAzureADToken) do(ctx context.Context, x *Exchange) (flow, *Error) {
	return s.run(ctx, x, s)
}

// complete adds the tenant's key set and the applications.
func (s *validateAzureADToken) complete(ctx context.Context, x *Exchange, r *verify.Rules, raw string) *Error {
	tenant, e := s.tenantID.text(ctx, x)
	if e != nil {
		return e
	}
	authority, e := s.endpoint.text(ctx, x)
	if e != nil {
		return e
	}
	version := 2
	if verify.ClaimOfUnverified(raw, "ver") == "1.0" {
		version = 1
	}
	u, ok := configurationOf(authority, tenant, version)
	if !ok {
		at := s.tenantID.compute
		if at == nil {
			at = s.endpoint.compute
		}
		return at.badValue("There is no tenant or no authority of that name.")
	}
	set, e := openConfiguration(ctx, x, &textValue{literal: u})
	if e != nil {
		return e
	}
	r.Sets = []*verify.RemoteSet{set}
	return nil
}

// also holds the applications of the token against those that are wanted.
func (s *validateAzureADToken) also(ctx context.Context, x *Exchange, claims *verify.Claims) (refusal, e *Error) {
	if s.backends != nil {
		ids, e := textsOf(ctx, x, s.backends)
		if e != nil {
			return nil, e
		}
		audiences, _ := claims.Claim("aud")
		named := func(a string) bool {
			return slices.ContainsFunc(ids, func(id string) bool { return id != "" && (sameID(a, id) || sameID(a, "api://"+id)) })
		}
		if !slices.ContainsFunc(audiences, named) {
			return denied(0, "TokenAudienceNotAllowed", "JWT audience is not allowed. Access denied.", ""), nil
		}
	}
	if s.clients == nil {
		return nil, nil
	}
	ids, e := textsOf(ctx, x, s.clients)
	if e != nil {
		return nil, e
	}
	name, client := "azp", ""
	for _, claim := range []string{"azp", "appid"} {
		values, ok := claims.Claim(claim)
		if !ok {
			continue
		}
		if len(values) != 1 || client != "" && values[0] != client {
			return claimNotAllowed(claim, strings.Join(values, ", ")), nil
		}
		name, client = claim, values[0]
	}
	switch {
	case client == "":
		return denied(0, "TokenClaimNotFound", "JWT token is missing the following claims: azp. Access denied.", ""), nil
	case !slices.ContainsFunc(ids, func(id string) bool { return id != "" && sameID(client, id) }):
		return claimNotAllowed(name, client), nil
	}
	return nil, nil
}

// sameID compares ids of applications, which are GUIDs without case.
func sameID(a, b string) bool { return strings.EqualFold(a, b) }
