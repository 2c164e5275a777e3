package verify

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// tokenCache remembers tokens that were verified, by the full digest of their
// spelling: two tokens never share an entry, and a token that was never
// accepted never takes one.
type tokenCache struct {
	mu    sync.Mutex // guards byDigest and recent
	limit int
	// recent is *cached, the latest used in front.
	recent   *list.List
	byDigest map[[sha256.Size]byte]*list.Element
}

type cached struct {
	digest [sha256.Size]byte
	token  *Token
	issuer *issuer
	key    *Key
}

func newTokenCache(limit int) *tokenCache {
	return &tokenCache{limit: limit, recent: list.New(), byDigest: make(map[[sha256.Size]byte]*list.Element)}
}

// get is the token of that digest while it lives and its key is still the
// issuer's. Life ends at exp: the clock skew is given by the verifier alone.
func (c *tokenCache) get(digest [sha256.Size]byte, now time.Time) (*Token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, found := c.byDigest[digest]
	if !found {
		return nil, false
	}
	e, isCached := at.Value.(*cached)
	if !isCached || !now.Before(e.token.Principal.Expires) || !e.issuer.remote.holds(e.key, now) {
		c.drop(at)
		return nil, false
	}
	c.recent.MoveToFront(at)
	return e.token, true
}

func (c *tokenCache) put(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, found := c.byDigest[e.digest]; found {
		c.drop(at)
	}
	c.byDigest[e.digest] = c.recent.PushFront(e)
	for len(c.byDigest) > c.limit {
		c.drop(c.recent.Back())
	}
}

// drop is called with mu held.
func (c *tokenCache) drop(at *list.Element) {
	if e, isCached := c.recent.Remove(at).(*cached); isCached {
		delete(c.byDigest, e.digest)
	}
}

func (c *tokenCache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byDigest)
}
