package egress

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/cloister-ai/cloister/internal/network/endpoint"
)

// Codes of a [RefusedError]. They are stable: records and metrics hold them.
const (
	CodeNetwork       = "network"          // not tcp (or udp to a DNS server)
	CodeHost          = "host"             // a spelling that is not accepted
	CodePort          = "port"             // not a number from 1 to 65535
	CodeZone          = "zone"             // an IPv6 address with a zone
	CodeNotListed     = "not-listed"       // not in destinations of this class
	CodeNoAddress     = "no-address"       // the name has no address
	CodePublic        = "public-address"   // public where that is not accepted
	CodeReserved      = "reserved-address" // neither private nor public
	CodeLoopback      = "loopback"         // not declared by exact address
	CodeUnspecified   = "unspecified"      // 0.0.0.0/8, ::
	CodeMulticast     = "multicast"
	CodeBroadcast     = "broadcast"
	CodeLinkLocal     = "link-local"
	CodeMetadata      = "instance-metadata" // a cloud's metadata service
	CodePlatform      = "platform-address"  // 168.63.129.16
	CodeOwnListener   = "own-listener"
	CodeRule          = "security-rule"    // a network security group denies it
	CodePlaintext     = "plaintext"        // HTTP without TLS beyond loopback
	CodeLocalUnknown  = "local-unknown"    // own addresses cannot be listed
	CodeMetadataQuery = "metadata-request" // not a token request

	// Those of package endpoint.
	CodeEndpointNotApproved = endpoint.CodeNotApproved
	CodeEndpointAddress     = endpoint.CodeAddress
)

// RefusedError is a connection that was not opened. Not one packet was sent.
// Where Cut is set, it was opened, and is closed now.
type RefusedError struct {
	Class Class
	// Host and Port are what was asked for; Port is 0 where it is no number.
	Host string
	Port uint16
	// Addr is the address that was judged; invalid where it did not come to that.
	Addr netip.Addr
	// Code is one of the Code constants.
	Code string
	// Reason is for the operator, without a full stop.
	Reason string
	// Mend says what to write; may be empty.
	Mend string
	// Cut: the connection was open when it came to that.
	Cut bool
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	b.WriteString("egress ")
	if e.Cut {
		b.WriteString("cut: class ")
	} else {
		b.WriteString("refused: class ")
	}
	fmt.Fprintf(&b, "%s, host %q", e.Class, e.Host)
	if e.Port != 0 {
		fmt.Fprintf(&b, ", port %d", e.Port)
	}
	if e.Addr.IsValid() {
		fmt.Fprintf(&b, ", address %s", e.Addr)
	}
	fmt.Fprintf(&b, ": %s", e.Reason)
	if e.Mend != "" {
		fmt.Fprintf(&b, "; mend: %s", e.Mend)
	}
	return b.String()
}

// Timeout and Temporary make it a net.Error that no client retries.
func (e *RefusedError) Timeout() bool   { return false }
func (e *RefusedError) Temporary() bool { return false }

// Refused tells refusals from failures where this package is not known.
func (e *RefusedError) Refused() bool { return true }
