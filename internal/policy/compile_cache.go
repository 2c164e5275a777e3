package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// store is a policy that keeps answers.
type store uint8

const (
	noStore store = iota
	responseStore
	completionStore
	stores = iota
)

// storeOf is which answers a statement keeps, and which it looks for.
func storeOf(s statement) (keeps, finds store) {
	switch s.(type) {
	case *cacheStore:
		return responseStore, noStore
	case *semanticStore:
		return completionStore, noStore
	case *cacheLookup:
		return noStore, responseStore
	case *semanticLookup:
		return noStore, completionStore
	}
	return noStore, noStore
}

// checkCaches finds where outbound goes on with an answer out of a cache, and
// what a lookup goes ahead of.
func (c *composer) checkCaches(p *Pipeline) {
	for s := responseStore; s < stores; s++ {
		if rest, ok := behind(p.steps[outbound], s); ok {
			p.behind[s] = rest
		} else {
			p.behind[s] = p.steps[outbound]
		}
	}
	lookups := eachCache(p.steps[inbound], func(s statement) store { _, finds := storeOf(s); return finds })
	keepers := eachCache(p.steps[outbound], func(s statement) store { keeps, _ := storeOf(s); return keeps })
	for s := responseStore; s < stores; s++ {
		switch {
		case len(lookups[s]) > 0 && len(keepers[s]) == 0:
			c.warnCache(lookups[s][0], "cache-without-store", "nothing is found, because no policy in outbound keeps answers", "write the policy that stores in outbound")
		case len(lookups[s]) == 0 && len(keepers[s]) > 0:
			c.warnCache(keepers[s][0], "cache-without-lookup", "nothing is kept, because no policy in inbound looks for answers", "write the policy that looks up in inbound")
		}
		for _, at := range lookups[s] {
			if late := guardsBehind(p.steps[inbound], at); len(late) > 0 {
				c.warnCache(at, "limit-after-cache",
					fmt.Sprintf("an answer out of the cache ends inbound here, so it does not pass what stands behind: %s", strings.Join(late, ", ")),
					"move it behind them")
			}
		}
	}
}

func (c *composer) warnCache(at *place, code, message, mend string) {
	c.add(site.Problem{Severity: site.Warning, Pos: at.pos, Code: code, Message: fmt.Sprintf("%q: %s", at.policy, message), Mend: mend})
}

// behind are the steps that come behind the first one that keeps such answers:
// in a branch those behind it there, and then those behind the branches.
func behind(steps []step, s store) ([]step, bool) {
	for i := range steps {
		if keeps, _ := storeOf(steps[i].statement); keeps == s {
			return steps[i+1:], true
		}
		h, ok := steps[i].statement.(holder)
		if !ok {
			continue
		}
		lists, _ := h.lists()
		for _, list := range lists {
			if rest, ok := behind(list, s); ok {
				return slices.Concat(rest, steps[i+1:]), true
			}
		}
	}
	return nil, false
}

// eachCache are the places of policies by the store that which says they are of.
func eachCache(steps []step, which func(statement) store) (places [stores][]*place) {
	eachStep(steps, func(s *step) {
		if of := which(s.statement); of != noStore {
			places[of] = append(places[of], s.at)
		}
	})
	return places
}

// guards are the policies of inbound that decide whether a request may go on.
func guards() []string {
	return []string{
		"rate-limit", "rate-limit-by-key", "quota", "quota-by-key", "llm-token-limit", "azure-openai-token-limit",
		"ip-filter", "check-header", "validate-jwt", "validate-azure-ad-token", "validate-client-certificate",
		"llm-content-safety", "validate-content", "validate-parameters",
	}
}

// guardsBehind are the names of guards behind a place, each once.
func guardsBehind(steps []step, at *place) (names []string) {
	behind := false
	eachStep(steps, func(s *step) {
		if behind && slices.Contains(guards(), s.at.policy) && !slices.Contains(names, s.at.policy) {
			names = append(names, s.at.policy)
		}
		behind = behind || s.at == at
	})
	return names
}
