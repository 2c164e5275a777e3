package front

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/gateway"
	"github.com/cloister-ai/cloister/internal/identity/issue"
	"github.com/cloister-ai/cloister/internal/site"
)

// name is what the front under test is called.
const name = "gw.test"

// under is a front on a free loopback port, with a handler of one line.
type under struct {
	// limits are the front's; the zero ones are the documented defaults.
	limits site.Limits
	addr   netip.AddrPort
	ca     *issue.CA
	roots  *x509.CertPool
	front  atomic.Pointer[gateway.Front]
}

func start(t *testing.T) *under {
	t.Helper()
	ca, err := issue.NewCA(issue.Options{
		Name: "front test", PermittedDNS: []string{name},
		PermittedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	u := &under{ca: ca, roots: x509.NewCertPool()}
	u.roots.AddCert(ca.Certificate)
	u.renew(t)
	server := gateway.NewServer(gateway.ServerOptions{
		Front: u.front.Load,
		Handler: func(w http.ResponseWriter, r *http.Request, _ *gateway.Conn, _ *gateway.Call) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			io.WriteString(w, "This is the front.\n")
		},
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.addr = netip.MustParseAddrPort(ln.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return u
}

// renew puts a fresh certificate into force, as a renewal on disk does.
func (u *under) renew(t *testing.T) {
	t.Helper()
	var hostnames []gateway.FrontHostname
	for i, n := range []string{"127.0.0.1", name} {
		cert, err := u.ca.IssueServer(n)
		if err != nil {
			t.Fatal(err)
		}
		pair := cert.TLS()
		hostnames = append(hostnames, gateway.FrontHostname{Name: n, Default: i == 0, Certificate: &pair})
	}
	f, err := gateway.NewFront(gateway.FrontOptions{Hostnames: hostnames, Limits: u.limits})
	if err != nil {
		t.Fatal(err)
	}
	u.front.Store(f)
}

// dial makes TLS with a client of Go's.
func (u *under) dial(t *testing.T, cfg *tls.Config) (*tls.Conn, error) {
	t.Helper()
	cfg = cfg.Clone()
	cfg.RootCAs = u.roots
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", u.addr.String(), cfg)
	if err == nil {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}
