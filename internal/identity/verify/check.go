package verify

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Check is all that is wrong with the token settings of a site. It connects
// to nothing.
func Check(cfg *site.Tokens) site.Problems {
	var ps site.Problems
	seen := make(map[string]bool)
	for i := range cfg.Issuers {
		ic := &cfg.Issuers[i]
		if seen[ic.Issuer] {
			ps.Add(ic.Pos, "issuer-repeated", "each issuer once", "remove one of the two", "issuer %q stands twice", ic.Issuer)
		}
		seen[ic.Issuer] = true
		checkIssuerConfig(cfg, ic, &ps)
	}
	for i := range cfg.Callers {
		checkCaller(&cfg.Callers[i], seen, &ps)
	}
	return ps
}

func checkIssuerConfig(cfg *site.Tokens, ic *site.Issuer, ps *site.Problems) {
	switch {
	case ic.Issuer == "":
		ps.Add(ic.Pos, "issuer-empty", "the exact iss of its tokens", "", "an issuer has no name")
	case strings.Contains(ic.Issuer, "{"):
		ps.Add(ic.Pos, "issuer-template", "one tenant's issuer", "list each tenant that is trusted as an issuer of its own",
			"issuer %q would trust every tenant", ic.Issuer)
	}
	if len(audiencesOf(cfg, ic)) == 0 || slices.Contains(audiencesOf(cfg, ic), "") {
		ps.Add(ic.Pos, "audience-missing", "the application id of this gateway", "set tokens.audiences",
			"issuer %q has no audience, or an empty one: its tokens for others would be accepted", ic.Issuer)
	}
	for _, alg := range ic.Algorithms {
		if !slices.Contains(Algorithms(), alg) {
			ps.Add(ic.Pos, "algorithm-refused", strings.Join(Algorithms(), ", "), "",
				"issuer %q may not use algorithm %q", ic.Issuer, alg)
		}
	}
	if !slices.Contains([]string{"", typeJWT, typeAccessToken}, ic.TokenType) {
		ps.Add(ic.Pos, "token-type", `"JWT", "at+jwt" or nothing`, "", "issuer %q has token type %q", ic.Issuer, ic.TokenType)
	}
	from := ic.JWKSURI
	if from == "" {
		from = metadataURL(ic)
	}
	if err := checkHTTPS(from); err != nil {
		ps.Add(ic.Pos, "issuer-url", "an https URL", "set jwksUri or metadata", "the keys of issuer %q: %v", ic.Issuer, err)
	}
}

func checkCaller(r *site.TokenCaller, issuers map[string]bool, ps *site.Problems) {
	if r.Subscription == "" {
		ps.Add(r.Pos, "caller-subscription", "the name of a subscription", "", "a caller rule names no subscription")
	}
	if r.Issuer != "" && !issuers[r.Issuer] {
		ps.Add(r.Pos, "caller-issuer", "one of tokens.issuers", "", "a caller rule names issuer %q, which is not trusted", r.Issuer)
	}
	if r.Issuer == "" && len(r.ClientApplicationIDs)+len(r.Principals)+len(r.Groups)+len(r.Roles)+len(r.Scopes) == 0 {
		ps.Add(r.Pos, "caller-unconditional", "at least one condition", "name client applications, principals, groups, roles or scopes",
			"the caller rule for %q has no condition and matches nobody", r.Subscription)
	}
}
