// Package backend is where requests go: the backends of apim/backends and
// cloister.yaml, their pools, connections and credentials.
//
// It guarantees that every connection goes through the egress dialer in class
// "model"; that a credential of the gateway is added to a request only where
// the request goes to that credential's own backend, over TLS or to an exact
// loopback address; that a request which carries such a credential elsewhere
// is not sent; that redirects are answers like others, proxies from the
// environment are not used, and bodies and their compression pass unchanged;
// and that servers are verified, whatever a document says. It sends nothing
// twice but for what net/http itself repeats: a request of which no byte was
// written on a connection that had gone stale, or an idempotent one. A pool
// goes on to its next member only where no connection could be made, as far as
// the retry budget allows. A member to which none could be made is set aside
// for a while, and requests that have another choice do not wait for it. A
// connection that was made and then failed counts for nothing there; what does
// is the rule of the backend's circuit breaker. A member of a pool that answers
// 429 with retry-after-ms hands the request on to the next.
//
// It fails with a [*ConnectError] where no connection was made (an egress
// refusal is reachable in it), an [*OpenError] where the circuit is open, a
// [*CredentialError] where the gateway could
// not obtain its credential, a [*TravelError] where a credential would have
// gone to another host, and net/http's errors after that. A problem of the
// site is reported by [Compile].
package backend

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
)

// Options are what backends take from their surroundings.
type Options struct {
	// Dialer opens the connections. Required.
	Dialer *egress.Dialer
	// Secrets is where keys are looked up.
	Secrets secret.Env
	// Log gets failures to renew tokens, and members of pools as they are set
	// aside and as they are back. Nil: nothing is logged.
	Log *slog.Logger
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Previous is the set in force until now, nil for none. Tokens that are
	// still valid for the same credential are taken over from it, and what it
	// knows of members of pools with the same id, host, port and CA.
	Previous *Set
	// Retries bounds how many further members of pools are tried. Nil: nothing
	// does.
	Retries Retries
}

// Retries is a retry budget. It is called by many goroutines at once and must
// not block.
type Retries interface {
	// Request notes a request, before it is tried for the first time.
	Request()
	// Retry asks whether a request may be tried at one more member.
	Retry() bool
}

// Used says what one request used.
type Used struct {
	// Backend is the id of the backend, or of the pool's member; for one that
	// is not declared its URL.
	Backend string
	// Host is the host, with a port where it is not the scheme's.
	Host string
	// Address is the other end of the connection; zero: none was made.
	Address netip.AddrPort
	// Endpoint is the name of the private endpoint of the host, or of the address;
	// empty: there is none.
	Endpoint string
	// CertificateSPKI is the SHA-256 of the server's public key
	// (SubjectPublicKeyInfo), lower-case hex; empty without TLS.
	CertificateSPKI string
	// Acquire is how long the gateway's credential took.
	Acquire time.Duration
}
