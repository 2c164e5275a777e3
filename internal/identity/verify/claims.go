package verify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity"
)

const (
	clockSkew = time.Minute
	// maxLifetime is from iat to exp. Entra ID dates iat five minutes back,
	// so its 24-hour tokens measure 24 h 5 min.
	maxLifetime     = 24*time.Hour + backdating
	maxLifetimeCAE  = 28*time.Hour + backdating
	backdating      = 5 * time.Minute
	maxNumericDate  = 253402300799 // 9999-12-31T23:59:59Z
	typeAccessToken = "at+jwt"
	typeJWT         = "JWT"
)

// claims reads the payload of a token whose signature is good. The first
// refusal stays; readers after it answer zero values.
type claims struct {
	object *jsonValue
	err    *Error
}

func (c *claims) refuse(code Code, format string, args ...any) {
	if c.err == nil {
		c.err = refuse(code, format, args...)
	}
}

func (c *claims) has(name string) bool { return c.object.get(name) != nil }

// text is a string claim; empty where it is missing.
func (c *claims) text(name string) string {
	v := c.object.get(name)
	if v == nil {
		return ""
	}
	if v.kind != jsonText {
		c.refuse(ClaimMalformed, "%q is not a string", name)
		return ""
	}
	return v.text
}

// required is a string claim that has to be there and not empty.
func (c *claims) required(name string) string {
	s := c.text(name)
	if s == "" {
		c.refuse(ClaimMissing, "%q is missing", name)
	}
	return s
}

// list is a claim that is an array of strings or one string.
func (c *claims) list(name string) []string {
	v := c.object.get(name)
	switch {
	case v == nil:
		return nil
	case v.kind == jsonText:
		return []string{v.text}
	case v.kind != jsonArray:
		c.refuse(ClaimMalformed, "%q is not a list of strings", name)
		return nil
	}
	out := make([]string, 0, len(v.items))
	for _, item := range v.items {
		if item.kind != jsonText {
			c.refuse(ClaimMalformed, "%q is not a list of strings", name)
			return nil
		}
		out = append(out, item.text)
	}
	return out
}

// words is a claim of space-separated words, or a list of them.
func (c *claims) words(name string) []string {
	var out []string
	for _, s := range c.list(name) {
		out = append(out, strings.Fields(s)...)
	}
	return out
}

// time is a NumericDate in whole seconds; zero where it is missing. Fractions
// and exponents are refused: nobody issues them, and readers disagree.
func (c *claims) time(name string) time.Time {
	v := c.object.get(name)
	if v == nil {
		return time.Time{}
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if v.kind != jsonNumber || err != nil || n < 1 || n > maxNumericDate {
		c.refuse(TimeMalformed, "%q is not a whole number of seconds", name)
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// check is rows 9 to 15, in order, for a token of iss that key signed.
func (c *claims) check(iss *issuer, j *jws, key *Key, now time.Time) (*Token, *Error) {
	t := &Token{
		Algorithm: j.header.algorithm, KeyID: key.ID, payload: j.payload,
		Principal: identity.Principal{
			Kind: identity.KindToken, Issuer: iss.cfg.Issuer,
			Scopes: slices.Concat(c.words("scp"), c.words("scope")),
			Roles:  c.list("roles"), Groups: c.list("groups"),
		},
	}
	c.checkType(iss, j.header.typ, t)
	c.checkIssuer(iss, key, t)
	c.checkAudience(iss, t)
	c.checkTimes(t, now)
	c.checkParties(iss, t)
	c.checkKind(iss, t)
	if c.err != nil {
		return nil, c.err
	}
	return t, nil
}

// checkType is row 9: an access token, not an ID token.
func (c *claims) checkType(iss *issuer, typ string, t *Token) {
	want := iss.cfg.TokenType
	if want == "" {
		want = typeJWT
	}
	// RFC 7515, 4.1.9: a media type, compared without case, "application/"
	// left out where there is no other slash.
	if got := strings.TrimPrefix(strings.ToLower(typ), "application/"); got != strings.ToLower(want) {
		c.refuse(TypeRefused, "typ is %.32q, not %q", typ, want)
		return
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash"} {
		if c.has(name) {
			c.refuse(IDToken, "%q stands in ID tokens", name)
		}
	}
	if want == typeAccessToken {
		return
	}
	p := &t.Principal
	if len(p.Scopes) == 0 && len(p.Roles) == 0 && (!iss.entra() || c.text("idtyp") != "app") {
		c.refuse(NoScopeOrRole, "neither a scope nor a role, as in an ID token")
	}
}

// checkIssuer is what is left of row 10: iss has chosen the issuer by an
// exact match; its tenant and the key's own issuer have to agree.
func (c *claims) checkIssuer(iss *issuer, key *Key, t *Token) {
	p := &t.Principal
	if iss.entra() {
		p.TenantID = c.text("tid")
		if p.TenantID != "" && !slices.Contains(strings.Split(iss.cfg.Issuer, "/"), p.TenantID) {
			c.refuse(TenantMismatch, "tid %.64q is not the issuer's", p.TenantID)
		}
	}
	if key.Issuer != "" && !sameIssuer(key.Issuer, iss.cfg.Issuer) {
		c.refuse(IssuerOfOtherKey, "key %.64q signs for %.128q", key.ID, key.Issuer)
	}
}

// checkAudience is row 11.
func (c *claims) checkAudience(iss *issuer, t *Token) {
	t.Audience = c.list("aud")
	if !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(iss.audiences, a) }) {
		c.refuse(AudienceMismatch, "aud %.200q has none of %q", t.Audience, iss.audiences)
	}
}

// checkTimes is row 12.
func (c *claims) checkTimes(t *Token, now time.Time) {
	exp := c.time("exp")
	t.NotBefore, t.IssuedAt = c.time("nbf"), c.time("iat")
	t.Principal.Expires = exp
	t.ClaimsChallenges = slices.ContainsFunc(c.list("xms_cc"), func(s string) bool { return strings.EqualFold(s, "cp1") })
	if c.err != nil {
		return
	}
	limit := maxLifetime
	if t.ClaimsChallenges {
		limit = maxLifetimeCAE
	}
	// A token that does not say when it was issued is measured from now.
	start := t.IssuedAt
	if start.IsZero() {
		start = now
	}
	switch {
	case exp.IsZero():
		c.refuse(ExpiryMissing, "exp is missing")
	case !now.Before(exp.Add(clockSkew)):
		c.refuse(Expired, "expired at %s", exp.Format(time.RFC3339))
	case t.NotBefore.After(now.Add(clockSkew)):
		c.refuse(NotYetValid, "not valid before %s", t.NotBefore.Format(time.RFC3339))
	case t.IssuedAt.After(now.Add(clockSkew)):
		c.refuse(NotYetValid, "issued in the future, at %s", t.IssuedAt.Format(time.RFC3339))
	case exp.Sub(start) > limit:
		c.refuse(LifetimeTooLong, "it lives %s, more than %s", exp.Sub(start), limit)
	}
}

// checkParties is row 13: who acts, by which client.
func (c *claims) checkParties(iss *issuer, t *Token) {
	p := &t.Principal
	p.Subject = c.required("sub")
	for _, name := range []string{"azp", "appid", "client_id"} {
		id := c.text(name)
		if id != "" && p.ClientID != "" && id != p.ClientID {
			c.refuse(ClientConflict, "%q names another client", name)
		}
		if id != "" {
			p.ClientID = id
		}
	}
	switch {
	case iss.entra():
		p.ObjectID = c.required("oid")
		c.required("tid")
		t.ID = c.text("uti")
		c.requireClient(p.ClientID)
	case iss.cfg.TokenType == typeAccessToken:
		// RFC 9068, 2.2.
		c.required("client_id")
		t.ID = c.required("jti")
		if t.IssuedAt.IsZero() {
			c.refuse(ClaimMissing, "\"iat\" is missing")
		}
	default:
		// The audience of an ID token is the client that asked for it.
		if p.ClientID != "" && len(t.Audience) == 1 && t.Audience[0] == p.ClientID {
			c.refuse(IDToken, "the audience is the client itself")
		}
	}
	if t.ID == "" {
		t.ID = c.text("jti")
	}
}

// requireClient also keeps ID tokens of Entra ID out: they name no client.
func (c *claims) requireClient(id string) {
	if id == "" {
		c.refuse(ClaimMissing, "\"azp\" or \"appid\" is missing")
	}
}

// checkKind is row 14, and refuses what row 15 would have to verify.
func (c *claims) checkKind(iss *issuer, t *Token) {
	p := &t.Principal
	app := c.text("idtyp") == "app"
	switch {
	case iss.entra():
		if app && len(p.Scopes) > 0 {
			c.refuse(DelegatedAndApp, "an application's token has scopes")
		}
		t.AppOnly = len(p.Scopes) == 0
	default:
		t.AppOnly = p.ClientID != "" && p.Subject == p.ClientID
	}
	if c.has("cnf") {
		c.refuse(SenderConstrained, "it is bound to a key or certificate, and no proof is checked")
	}
	t.GroupsOverage = c.hasGroupsOverage()
}

// hasGroupsOverage: Entra ID leaves groups out of large tokens and says so.
func (c *claims) hasGroupsOverage() bool {
	if names := c.object.get("_claim_names"); names != nil && names.get("groups") != nil {
		return true
	}
	v := c.object.get("hasgroups")
	return v != nil && v.kind == jsonBool && v.text == "true"
}

// sameIssuer compares an issuer as published, which may have "{tenantid}" in
// the place of the tenant, with the configured one.
func sameIssuer(published, configured string) bool {
	before, after, template := strings.Cut(published, "{tenantid}")
	if !template {
		return published == configured
	}
	tenant, ok := strings.CutPrefix(configured, before)
	if !ok {
		return false
	}
	tenant, ok = strings.CutSuffix(tenant, after)
	return ok && tenant != "" && !strings.Contains(tenant, "/")
}
