package egress

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// TransportOptions shape a transport. There is no option to skip
// verification.
type TransportOptions struct {
	// RootCAs verify servers; nil: the system's.
	RootCAs *x509.CertPool
	// Certificate is shown to servers that ask for one; nil: none is.
	Certificate *tls.Certificate
	// MaxConns bounds the connections to one host, idle and in use; a request
	// beyond it waits. 0: not bounded.
	MaxConns int
	// HTTP2 offers HTTP/2 and nothing else, for servers that speak no HTTP/1.1.
	// There are no upgrades (WebSocket) then.
	HTTP2 bool
}

// Bounds of a transport.
const (
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 90 * time.Second
	minIdlePerHost   = 256
	maxHeaderBytes   = 256 << 10
)

// Transport is an HTTP transport of class c: TLS 1.2 or later, no proxy, no
// compression of its own, connections kept alive per destination. Plain HTTP
// is spoken to destinations declared by loopback addresses only.
//
// It speaks HTTP/1.1 unless told otherwise, and offers nothing else by ALPN: a
// server without it ends the handshake ([IsNoHTTP1]). Towards few hosts with many requests at once, a pool of
// kept-alive connections costs less per request than HTTP/2's framing and its
// one writer lock, and a stream that is not read stops no other.
//
// How long to wait for the head of an answer is the caller's decision, by the
// request's context. Connections know their [Peer].
func (d *Dialer) Transport(c Class, o TransportOptions) *http.Transport {
	protocols, alpn := new(http.Protocols), "http/1.1"
	if o.HTTP2 {
		alpn = "h2"
	}
	protocols.SetHTTP1(!o.HTTP2)
	protocols.SetHTTP2(o.HTTP2)
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            o.RootCAs,
		NextProtos:         []string{alpn},
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
	}
	if o.Certificate != nil {
		config.Certificates = []tls.Certificate{*o.Certificate}
	}
	return &http.Transport{
		Proxy: nil, // never from the environment
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.dialPlain(ctx, c, network, addr)
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.dialTLS(ctx, c, network, addr, config)
		},
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    max(minIdlePerHost, o.MaxConns),
		MaxConnsPerHost:        o.MaxConns,
		IdleConnTimeout:        idleTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// Client is [Dialer.Transport] in a client that follows no redirect: the
// answer that redirects is what the caller gets. Timeout bounds the request
// with its body; 0: not bounded.
func (d *Dialer) Client(c Class, o TransportOptions, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     d.Transport(c, o),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
}

func (d *Dialer) dialPlain(ctx context.Context, c Class, network, addr string) (net.Conn, error) {
	dst, refused := d.find(c, network, addr)
	if refused != nil {
		return nil, d.refuse(refused)
	}
	if !d.LoopbackOnly(c, dst.host, dst.port) {
		return nil, d.refuse(&RefusedError{Class: c, Host: dst.host, Port: dst.port, Code: CodePlaintext,
			Reason: "plain HTTP is spoken to loopback destinations only", Mend: "use https"})
	}
	return d.dial(ctx, c, network, addr)
}

func (d *Dialer) dialTLS(ctx context.Context, c Class, network, addr string, config *tls.Config) (net.Conn, error) {
	raw, err := d.dial(ctx, c, network, addr)
	if err != nil {
		return nil, err
	}
	inner := &peerConn{Conn: raw, peer: PeerOf(raw)}
	conn, err := handshake(ctx, inner, addr, config)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	if chain := conn.ConnectionState().PeerCertificates; len(chain) > 0 {
		sum := sha256.Sum256(chain[0].RawSubjectPublicKeyInfo)
		inner.peer.SPKI = hex.EncodeToString(sum[:])
	}
	return conn, nil
}

// IsNoHTTP1 reports whether a server ended a handshake because it does not
// speak HTTP/1.1 (RFC 7301, alert 120). The alert's type is not exported by
// crypto/tls, so its text counts.
func IsNoHTTP1(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "no application protocol")
}

func handshake(ctx context.Context, raw net.Conn, addr string, config *tls.Config) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	config = config.Clone()
	config.ServerName = host
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn, nil
}

// Peer is who is at the other end of a connection.
type Peer struct {
	Addr netip.AddrPort
	// SPKI is the SHA-256 of the certificate's public key (RFC 5280
	// SubjectPublicKeyInfo), lower-case hex; empty without TLS.
	SPKI string
	// Endpoint is the name of the private endpoint that the connection goes
	// through; empty: through none.
	Endpoint string
}

// peerConn lies below TLS and remembers its peer, so that asking costs nothing
// per request. Above TLS it would hide the *tls.Conn that net/http needs for
// HTTP/2.
type peerConn struct {
	net.Conn
	peer Peer
}

// PeerOf is the peer of a connection of this package.
func PeerOf(c net.Conn) Peer {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	switch p := c.(type) {
	case *peerConn:
		return p.peer
	case *heldConn:
		return Peer{Addr: addrPortOf(p.RemoteAddr()), Endpoint: p.endpoint}
	}
	return Peer{Addr: addrPortOf(c.RemoteAddr())}
}

func addrPortOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
