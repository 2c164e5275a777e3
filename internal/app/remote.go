package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/site"
)

// RemoteOptions say where a door over TLS is, and who asks.
type RemoteOptions struct {
	// Server is the door's https URL, without path.
	Server string
	// CAFile is a PEM bundle; empty: the system's roots.
	CAFile string
	// CertFile and KeyFile are a client certificate; both or neither.
	CertFile, KeyFile string
	// TokenFile holds an access token; it is read for every call.
	TokenFile string
}

// OpenRemote makes a client for a door over TLS. It connects with the first
// call, through a dialer that knows this one destination.
func OpenRemote(opt RemoteOptions) (*admin.Client, error) {
	u, err := url.Parse(opt.Server)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not where a door can be; mend: https://HOST:PORT", opt.Server)
	}
	transport := egress.TransportOptions{MaxConns: 2}
	if opt.CAFile != "" {
		pem, err := os.ReadFile(opt.CAFile)
		if err != nil {
			return nil, err
		}
		if transport.RootCAs, err = poolPEM(pem, opt.CAFile); err != nil {
			return nil, err
		}
	}
	if (opt.CertFile == "") != (opt.KeyFile == "") {
		return nil, errors.New("a client certificate needs both its file and its key's")
	}
	if opt.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(opt.CertFile, opt.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("the client certificate: %w", err)
		}
		transport.Certificate = &pair
	}
	dialer, err := doorDialer(u)
	if err != nil {
		return nil, err
	}
	var token func() string
	if opt.TokenFile != "" {
		if _, err := readToken(opt.TokenFile); err != nil {
			return nil, err
		}
		token = func() string { t, _ := readToken(opt.TokenFile); return t } // read a moment ago
	}
	client := dialer.Client(egress.State, transport, 2*time.Minute)
	return admin.NewRemoteClient(client, "https://"+u.Host, token), nil
}

// doorDialer reaches the one host and port, wherever it is.
func doorDialer(u *url.URL) (*egress.Dialer, error) {
	port := 443
	if u.Port() != "" {
		var err error
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("the port of %s: %w", u, err)
		}
	}
	to := site.Destination{Host: strings.ToLower(u.Hostname()), Port: port, Public: true}
	cfg := &site.Config{Destinations: site.Destinations{State: []site.Destination{to}}, Names: site.Names{Servers: []string{"system"}}}
	if addr, err := netip.ParseAddr(to.Host); err == nil && addr.IsLoopback() {
		cfg.Destinations.State[0].Public = false
	}
	if to.Host == "localhost" { // this machine, whatever a DNS server says (RFC 6761, section 6.3)
		cfg.Destinations.State[0].Public = false
		cfg.Destinations.State[0].Addresses = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	dialer, problems := egress.New(cfg, egress.Options{})
	if dialer == nil || problems.HasErrors() {
		return nil, problems.Err()
	}
	return dialer, nil
}

func readToken(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return token, nil
}
