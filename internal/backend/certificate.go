package backend

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// certified are the connections on which requests show a client certificate:
// they are nobody else's.
type certified struct {
	mu   sync.Mutex // guards ways and closed
	ways map[certifiedKey]*ways
	// closed: the set is no longer in force, so nothing is kept.
	closed bool
}

type certifiedKey struct {
	certificate [sha256.Size]byte
	roots       *x509.CertPool
}

// mostCertified bounds the certificates and CAs that have connections of their
// own.
const mostCertified = 64

// RoundTripAs is RoundTrip with a client certificate, which servers that ask for
// one are shown; nil: none is.
func (b *Backend) RoundTripAs(req *http.Request, used *Used, certificate *tls.Certificate) (*http.Response, error) {
	return b.roundTrip(req, used, certificate)
}

// waysOf are the connections to a service, with the certificate where there is
// one.
func (s *Set) waysOf(to *service, certificate *tls.Certificate) *ways {
	if certificate == nil || len(certificate.Certificate) == 0 {
		return to.ways
	}
	key := certifiedKey{sha256.Sum256(certificate.Certificate[0]), to.roots}
	c := &s.certified
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.ways[key]; w != nil {
		return w
	}
	if c.ways == nil {
		c.ways = map[certifiedKey]*ways{}
	}
	if len(c.ways) >= mostCertified {
		for old, w := range c.ways {
			delete(c.ways, old)
			w.closeIdle()
			break
		}
	}
	w := newWays(s.dialer, egress.TransportOptions{RootCAs: to.roots, MaxConns: defaultMaxConnections, Certificate: certificate})
	if !c.closed {
		c.ways[key] = w
	}
	return w
}

func (c *certified) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for key, w := range c.ways {
		delete(c.ways, key)
		w.closeIdle()
	}
}
