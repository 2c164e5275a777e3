package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Probe is what "check --live" found at one destination.
type Probe struct {
	View
	// Answers are the addresses of the host, with the verdict on each.
	Answers []Answer `json:"answers"`
	// Address is what was connected to; zero: nothing.
	Address netip.AddrPort `json:"address,omitzero"`
	// Certificate is what the server showed; nil without TLS.
	Certificate *Certificate `json:"certificate,omitempty"`
	// OK: reached, and the certificate verified.
	OK bool `json:"ok"`
	// Error says what failed, Mend what to do; empty when OK.
	Error string `json:"error,omitempty"`
	Mend  string `json:"mend,omitempty"`
	// Duration of the whole probe.
	Duration time.Duration `json:"duration"`
}

// Answer is one address and the verdict on it.
type Answer struct {
	Address netip.Addr `json:"address"`
	// Verdict is "accepted" or the code of a [RefusedError].
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
}

// Accepted is the verdict on an address that may be connected to.
const Accepted = "accepted"

// Certificate is the server's own certificate.
type Certificate struct {
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"notAfter"`
	Verified bool      `json:"verified"`
}

// Probe resolves a destination, connects to it and shakes hands by TLS. It
// sends no request. Roots verify the server; nil: the system's.
func (d *Dialer) Probe(ctx context.Context, v View, roots *x509.CertPool) *Probe {
	start := time.Now()
	p := &Probe{View: v}
	d.probe(ctx, p, roots)
	p.OK = p.Error == ""
	p.Duration = time.Since(start)
	return p
}

func (d *Dialer) probe(ctx context.Context, p *Probe, roots *x509.CertPool) {
	if p.Class == Identity && p.Host == metadataAddr.String() && d.metadata {
		d.probeMetadata(ctx, p)
		return
	}
	dst, refused := d.find(p.Class, "tcp", net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))))
	if refused != nil {
		p.fail(refused.Reason, refused.Mend)
		return
	}
	if refused := d.viaEndpoint(dst); refused != nil {
		p.fail(refused.Reason, refused.Mend)
		return
	}
	addrs, err := d.addresses(ctx, dst)
	if err != nil {
		p.fail(err.Error(), "check names.servers, or pin the host with addresses")
		return
	}
	var good []netip.Addr
	for _, a := range addrs {
		if r := d.judge(dst, a); r != nil {
			p.Answers = append(p.Answers, Answer{a, r.code, r.reason})
			if p.Mend == "" {
				p.Mend = r.mend
			}
			continue
		}
		p.Answers = append(p.Answers, Answer{Address: a, Verdict: Accepted})
		good = append(good, a.Unmap())
	}
	if len(good) == 0 {
		p.fail("no acceptable address", p.Mend)
		return
	}
	p.Mend = ""
	conn, err := d.connect(ctx, dst, "tcp", good)
	if err != nil {
		p.fail(err.Error(), "check that the service runs and that the network lets this machine in")
		return
	}
	defer func() { _ = conn.Close() }()
	p.Address = addrPortOf(conn.RemoteAddr())
	if v := p.Scheme; v != "http" && v != "dns" && v != "postgres" {
		p.handshake(ctx, conn, dst, roots)
	}
}

func (d *Dialer) probeMetadata(ctx context.Context, p *Probe) {
	ctx, cancel := context.WithTimeout(ctx, d.opt.ConnectTimeout)
	defer cancel()
	p.Answers = []Answer{{Address: metadataAddr, Verdict: Accepted}}
	conn, err := d.opt.Connect(ctx, "tcp4", netip.AddrPortFrom(metadataAddr, 80))
	if err != nil {
		p.fail(err.Error(), "managed identities need an Azure machine with an identity, or IDENTITY_ENDPOINT")
		return
	}
	p.Address = netip.AddrPortFrom(metadataAddr, 80)
	_ = conn.Close()
}

func (p *Probe) handshake(ctx context.Context, raw net.Conn, dst *destination, roots *x509.CertPool) {
	addr := net.JoinHostPort(dst.host, "0")
	conn, err := handshake(ctx, raw, addr, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	var bad *tls.CertificateVerificationError
	switch {
	case err == nil:
		p.certificate(conn.ConnectionState().PeerCertificates, true)
	case errors.As(err, &bad):
		p.certificate(bad.UnverifiedCertificates, false)
		p.fail(err.Error(), mendCertificate(bad.Err))
	default:
		p.fail("TLS: "+err.Error(), "the destination has to speak TLS 1.2 or later")
	}
}

func (p *Probe) certificate(chain []*x509.Certificate, verified bool) {
	if len(chain) > 0 {
		c := chain[0]
		p.Certificate = &Certificate{c.Subject.String(), c.Issuer.String(), c.NotAfter, verified}
	}
}

func mendCertificate(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "give the CA's certificate as caFile"
	case errors.As(err, &name):
		return "list the destination by a name that its certificate holds, pinned with addresses if need be"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate, or set this machine's clock"
	}
	return ""
}

func (p *Probe) fail(reason, mend string) { p.Error, p.Mend = reason, mend }
