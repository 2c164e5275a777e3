package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/identity/verify"
)

// requiredClaims is the element required-claims.
func requiredClaims() child {
	return child{
		name: "required-claims", expected: "<claim> elements",
		children: []child{{
			name: "claim", required: true, many: true, expected: "a claim that the token must have",
			attributes: []attribute{
				{name: "name", required: true, expected: "the claim's name", expression: true},
				{name: "match", expected: listed(claimMatches()), otherwise: matchAll, expression: true},
				{name: "separator", expected: "what separates the values of a claim that is one string", expression: true},
			},
			children: []child{{name: "value", many: true, expected: "a value of the claim", text: hasText, expression: true}},
		}},
	}
}

const (
	matchAll = "all"
	matchAny = "any"
)

func claimMatches() []string { return []string{matchAll, matchAny} }

// requiredClaim is one claim that a token must have.
type requiredClaim struct {
	name, separator textValue
	match           choiceValue
	values          []textValue
}

func (c *compiler) requiredClaims(n *Node) []requiredClaim {
	var out []requiredClaim
	for _, list := range elements(n, "required-claims") {
		for _, k := range elements(list, "claim") {
			claim := requiredClaim{match: c.choiceAttribute(k, "match", matchAll, claimMatches()...)}
			claim.name, _ = c.textAttribute(k, "name")
			claim.separator, _ = c.textAttribute(k, "separator")
			claim.values = c.texts(k, "value")
			out = append(out, claim)
		}
	}
	return out
}

// elements are the elements of a name in n.
func elements(n *Node, name string) []*Node {
	return slices.DeleteFunc(n.Elements(), func(k *Node) bool { return k.Name != name })
}

// texts are the texts of the elements of a name in n.
func (c *compiler) texts(n *Node, name string) []textValue {
	var out []textValue
	for _, k := range elements(n, name) {
		if t, ok := c.textContent(k); ok {
			out = append(out, t)
		}
	}
	return out
}

// checkClaims holds a token against what is required of its claims.
func checkClaims(ctx context.Context, x *Exchange, required []requiredClaim, token *verify.Claims) (refusal, e *Error) {
	var missing []string
	for i := range required {
		r := &required[i]
		name, e := r.name.text(ctx, x)
		if e != nil {
			return nil, e
		}
		values, ok := token.Claim(name)
		if !ok {
			missing = append(missing, name)
			continue
		}
		if len(missing) > 0 {
			continue // the token is refused in any case
		}
		fits, e := r.fits(ctx, x, values)
		if e != nil {
			return nil, e
		}
		if !fits && refusal == nil {
			refusal = claimNotAllowed(name, strings.Join(values, ", "))
		}
	}
	if len(missing) > 0 {
		refusal = denied(0, "TokenClaimNotFound", "JWT token is missing the following claims: "+strings.Join(missing, ", ")+". Access denied.", "")
	}
	return refusal, nil
}

// longestClaim is how much of a claim stands in an error.
const longestClaim = 256

func claimNotAllowed(name, value string) *Error {
	if len(value) > longestClaim {
		value = strings.ToValidUTF8(value[:longestClaim], "") + "…"
	}
	return denied(0, "TokenClaimValueNotAllowed", "Claim "+name+" value of "+value+" is not allowed. Access denied.", "")
}

// fits reports whether the values of a claim are those that are wanted.
func (r *requiredClaim) fits(ctx context.Context, x *Exchange, have []string) (bool, *Error) {
	separator, e := r.separator.text(ctx, x)
	if e != nil {
		return false, e
	}
	if separator != "" {
		var split []string
		for _, v := range have {
			split = append(split, strings.Split(v, separator)...)
		}
		have = split
	}
	match, e := r.match.word(ctx, x)
	if e != nil {
		return false, e
	}
	if len(r.values) == 0 {
		return true, nil
	}
	for i := range r.values {
		want, e := r.values[i].text(ctx, x)
		if e != nil {
			return false, e
		}
		switch is := slices.Contains(have, want); {
		case is && match == matchAny:
			return true, nil
		case !is && match == matchAll:
			return false, nil
		}
	}
	return match == matchAll, nil
}
