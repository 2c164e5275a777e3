package verify

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// MapCaller is the subscription that a verified token acts under: the first
// rule of cfg whose conditions hold. A rule without any condition, the issuer
// included, matches nobody. ok is false where no rule matches: the caller is
// known and not allowed, see [Unmapped].
func MapCaller(cfg *site.Tokens, t *Token) (subscription string, ok bool) {
	for i := range cfg.Callers {
		if r := &cfg.Callers[i]; matches(r, t) {
			return r.Subscription, r.Subscription != ""
		}
	}
	return "", false
}

func matches(r *site.TokenCaller, t *Token) bool {
	p := &t.Principal
	if r.Issuer != "" && r.Issuer != p.Issuer {
		return false
	}
	given := r.Issuer != ""
	for _, c := range []struct {
		wanted, have []string
		same         func(a, b string) bool
	}{
		{r.ClientApplicationIDs, []string{p.ClientID}, sameID},
		{r.Principals, []string{p.ID()}, sameID},
		{r.Groups, p.Groups, sameID},
		{r.Roles, p.Roles, equal},
		// The scopes of an application's own token are not a user's consent.
		{r.Scopes, scopesOf(t), equal},
	} {
		if len(c.wanted) == 0 {
			continue
		}
		given = true
		if !anyOf(c.wanted, c.have, c.same) {
			return false
		}
	}
	return given
}

func scopesOf(t *Token) []string {
	if t.AppOnly {
		return nil
	}
	return t.Principal.Scopes
}

func anyOf(wanted, have []string, same func(a, b string) bool) bool {
	return slices.ContainsFunc(wanted, func(w string) bool {
		return w != "" && slices.ContainsFunc(have, func(h string) bool { return same(w, h) })
	})
}

func equal(a, b string) bool { return a == b }

// sameID compares as Azure does: GUIDs without case. Other subjects are
// opaque, and case may be what tells two of them apart.
func sameID(a, b string) bool {
	return a == b || isGUID(a) && isGUID(b) && strings.EqualFold(a, b)
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
				return false
			}
		}
	}
	return true
}

// Bound reports whether a binding lets a caller use a subscription's keys:
// principal is the id of the accompanying token's principal, certificate the
// SHA-256 fingerprint of the TLS client certificate in lower-case hex; empty
// where there is none. A nil binding lets everybody.
func Bound(b *site.Binding, principal, certificate string) bool {
	if b == nil {
		return true
	}
	if len(b.Principals) > 0 && (principal == "" || !anyOf(b.Principals, []string{principal}, sameID)) {
		return false
	}
	return len(b.Certificates) == 0 || certificate != "" && anyOf(b.Certificates, []string{certificate}, equal)
}
