package policy

import "context"

func cacheRemoveValueEntry() entry {
	return entry{
		name: "cache-remove-value", sections: everySection, scopes: everyScope,
		does: "a value out of the cache",
		tier: tierA, page: page{
			intro:   "Lets go of a value that `cache-store-value` has kept. Where there is none nothing happens.",
			example: `<cache-remove-value key="@("profile-" + context.Subscription.Id)" />`,
			behaviour: []string{
				valueBehaviour,
				"A cache that fails, or a key that is empty, is a note in the record.",
			},
			differences: []string{cachingTypeDifference},
			errors:      []errorLine{{"ExpressionValueEvaluationFailure", "the expression throws"}},
		},
		attributes: []attribute{keyAttribute(), cachingTypeAttribute()},
		compile: func(c *compiler, n *Node) statement {
			return &cacheRemoveValue{c.cachedValue(n)}
		},
	}
}

type cacheRemoveValue struct{ cachedValue }

func (s *cacheRemoveValue) do(ctx context.Context, x *Exchange) (flow, *Error) {
	key, caches, ok, e := s.of(ctx, x)
	if e != nil {
		return stop, e
	}
	if ok {
		if err := caches.Values.Remove(ctx, key); err != nil {
			x.cacheFailed("cache-remove-value", err)
		}
	}
	return next, nil
}
