package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// affinityToken is what the cookie of a session says: which member of a pool.
// It gives neither id nor address away, and is the same in every gateway.
func affinityToken(pool, member, authority string) string {
	sum := sha256.Sum256([]byte("cloister affinity\n" + strings.ToLower(pool) + "\n" + strings.ToLower(member) + "\n" + authority))
	return hex.EncodeToString(sum[:16])
}

// session is the member that the request's cookie names; nil: none. The cookie
// is the gateway's own and goes no further.
func (b *Backend) session(h http.Header) *member {
	if b.cookie == "" {
		return nil
	}
	var found *member
	var kept []string
	for _, line := range h["Cookie"] {
		var left []string
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if name != b.cookie {
				left = append(left, strings.TrimSpace(pair))
				continue
			}
			for _, l := range b.pool.levels {
				for _, m := range l.services {
					if m.token == value {
						found = m
					}
				}
			}
		}
		if line = strings.Join(left, "; "); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) > 0 {
		h["Cookie"] = kept
	} else {
		delete(h, "Cookie")
	}
	return found
}

// remember has the caller come back to m.
func (b *Backend) remember(resp *http.Response, m *member, was *member) {
	if b.cookie == "" || m == was {
		return
	}
	resp.Header.Add("Set-Cookie", b.cookie+"="+m.token+"; Path=/; Secure; HttpOnly; SameSite=None")
}
