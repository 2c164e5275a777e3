package app

import "github.com/cloister-ai/cloister/internal/site"

// placeSharedKeys gives the problem of a key that two subscriptions have the
// place of the second one.
func (b *built) placeSharedKeys(problems site.Problems) {
	for i := range problems {
		if p := &problems[i]; p.Code == "subscription-keys" && p.Line == 0 {
			if pos := b.sharedKey(); !pos.IsZero() {
				p.Pos = pos
			}
		}
	}
}

// sharedKey is where a key is named that an earlier slot has already.
func (b *built) sharedKey() site.Pos {
	refs := map[string]*site.SubscriptionConfig{}
	for i := range b.site.Config.Subscriptions {
		c := &b.site.Config.Subscriptions[i]
		refs[c.Name] = c
	}
	seen := map[string]bool{}
	for _, s := range b.subscribers {
		var primary, secondary *site.SecretRef
		if c := refs[s.ID]; c != nil {
			primary, secondary = c.PrimaryKey, c.SecondaryKey
		}
		for _, slot := range []struct {
			digest []byte
			ref    *site.SecretRef
		}{{s.PrimaryDigest, primary}, {s.SecondaryDigest, secondary}} {
			if len(slot.digest) == 0 {
				continue
			}
			if seen[string(slot.digest)] && slot.ref != nil {
				return slot.ref.Pos
			}
			seen[string(slot.digest)] = true
		}
	}
	return site.Pos{}
}
