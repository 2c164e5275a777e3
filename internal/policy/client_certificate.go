package policy

import (
	"crypto/x509"
	"sync"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/crypto"
)

// ClientCertificate is the certificate that a caller showed in TLS. It may be
// shared by all requests of a connection.
type ClientCertificate struct {
	// Chain is the certificate, and behind it those up to a CA where Trusted.
	Chain []*x509.Certificate
	// Trusted: TLS has verified it against the CAs of the hostname.
	Trusted bool

	once  sync.Once
	value clr.Value
}

// object is the certificate as expressions see it; the zero Value: none.
func (k *ClientCertificate) object() clr.Value {
	if k == nil || len(k.Chain) == 0 {
		return clr.Null
	}
	k.once.Do(func() {
		// What TLS has read can be read.
		k.value, _ = crypto.NewCertificate(k.Chain[0].Raw, nil)
	})
	return k.value
}
