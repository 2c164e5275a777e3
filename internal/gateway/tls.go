package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"time"
)

// frontBaseConfig holds what all names share. Session tickets are on for names
// that ask for no client certificate; their keys are this config's, made new
// every day by crypto/tls and forgotten after seven, and they outlive reloads.
func frontBaseConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// For 1.2: forward secrecy and AEAD, three suites for either type of
		// key. The suites of 1.3 are all such and not configurable.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		// crypto/tls orders by its own preference, the hybrid first.
		CurvePreferences: []tls.CurveID{
			tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024,
			tls.X25519, tls.CurveP256, tls.CurveP384,
		},
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// frontNameConfig is the config of one name.
func frontNameConfig(n *frontName) *tls.Config {
	c := frontBaseConfig()
	c.Certificates = []tls.Certificate{*n.cert}
	if n.clientCAs != nil {
		c.ClientAuth = tls.VerifyClientCertIfGiven
		c.ClientCAs = n.clientCAs
		// A ticket would carry yesterday's verdict on a certificate past a
		// change of the CAs, or over to another name.
		c.SessionTicketsDisabled = true
	}
	return c
}

// frontNoNameConfig has no certificate, which makes crypto/tls send the alert
// unrecognized_name; an error from GetConfigForClient would be internal_error.
// Without tickets no resumption passes it by.
func frontNoNameConfig() *tls.Config {
	c := frontBaseConfig()
	c.SessionTicketsDisabled = true
	return c
}

// configFor chooses by SNI. It is shared by all connections, because ticket
// keys live in the config that it hangs on; which connection it is about, the
// hello says.
func (s *Server) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	raw, ok := hello.Conn.(*frontConn)
	if !ok {
		return nil, errors.New("a handshake on a connection that is not the front's")
	}
	c := raw.conn
	c.helloSeen = true
	if c.name = s.front().nameFor(hello.ServerName, c.Local.Addr()); c.name == nil {
		return s.tlsNoName, nil
	}
	if err := s.takeSlot(hello.Context(), raw); err != nil {
		return nil, err
	}
	return c.name.tls, nil
}

// handshake makes a TLS connection out of a raw one. The work of the processor
// stands behind a semaphore, which is taken when the ClientHello is complete
// and given back with the first flight: so it bounds work, and a client that
// stalls holds nothing but its own connection.
func (s *Server) handshake(ctx context.Context, c *Conn) (*tls.Conn, *frontError) {
	t := tls.Server(c.raw, s.tlsConfig)
	err := t.HandshakeContext(ctx)
	c.raw.wrote()
	if err != nil {
		return nil, handshakeError(ctx, c, err)
	}
	state := t.ConnectionState()
	c.TLS, c.ServerName = &state, c.name.name
	return t, nil
}

// handshakeError sorts a failed handshake. crypto/tls has sent the alert.
func handshakeError(ctx context.Context, c *Conn, err error) *frontError {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record) && looksLikeProxy(record.RecordHeader[:]):
		return &frontError{cause: RefusedProxyHeader, detail: "a PROXY header from a peer that is not trusted"}
	case errors.As(err, &record) && looksLikeHTTP(record.RecordHeader[:]):
		if record.Conn != nil {
			record.Conn.SetWriteDeadline(time.Now().Add(time.Second))
			record.Conn.Write([]byte(plaintextAnswer))
		}
		return &frontError{status: 400, cause: RefusedPlaintext, detail: "HTTP without TLS"}
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return &frontError{cause: RefusedSlow, detail: "TLS handshake"}
	case c.helloSeen && c.name == nil:
		return &frontError{cause: RefusedUnknownName, detail: "a server name that is not configured"}
	}
	return &frontError{cause: RefusedTLS, detail: "TLS handshake failed"}
}

func looksLikeHTTP(record []byte) bool {
	switch string(record) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "PRI *":
		return true
	}
	return false
}

// takeSlot waits for room among the handshakes under way. Clients take turns,
// so that one that shakes hands all the time makes nobody wait but itself.
func (s *Server) takeSlot(ctx context.Context, raw *frontConn) error {
	if err := s.handshakes.Take(ctx, raw.conn.Client.Addr()); err != nil {
		return err
	}
	release := s.handshakes.Give
	raw.onWrite.Store(&release)
	return nil
}

// plaintextAnswer is for people who type http:// before a TLS port.
const plaintextAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n" +
	"Content-Length: 69\r\nConnection: close\r\n\r\n" +
	`{ "statusCode": 400, "message": "This port speaks HTTPS, not HTTP." }`
