package egress

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// metadataPath is where the instance metadata service gives tokens.
const metadataPath = "/metadata/identity/"

// InstanceMetadata is the only way to 169.254.169.254: a transport for the
// managed-identity client, that sends GET requests below /metadata/identity/
// on port 80 and nothing else. It refuses everything on a site where no
// backend logs in with a managed identity and the address is not listed in
// class identity.
func (d *Dialer) InstanceMetadata() http.RoundTripper {
	t := d.Transport(Identity, TransportOptions{MaxConns: 4})
	t.DialTLSContext = nil
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		ap := netip.AddrPortFrom(metadataAddr, 80)
		if r := d.ruled("tcp4", ap); r != nil {
			return nil, d.refuse(&RefusedError{Class: Identity, Host: metadataAddr.String(), Port: 80, Addr: metadataAddr, Code: r.code, Reason: r.reason, Mend: r.mend})
		}
		ctx, cancel := context.WithTimeout(ctx, d.opt.ConnectTimeout)
		defer cancel()
		conn, err := d.opt.Connect(ctx, "tcp4", ap)
		d.use(Use{Class: Identity, Host: metadataAddr.String(), Port: 80, Addr: metadataAddr, Err: err})
		return conn, err
	}
	return &metadataTransport{d: d, next: t}
}

type metadataTransport struct {
	d    *Dialer
	next *http.Transport
}

func (t *metadataTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if reason := t.objection(req); reason != "" {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, t.d.refuse(&RefusedError{Class: Identity, Host: req.URL.Host, Addr: metadataAddr, Code: CodeMetadataQuery, Reason: reason})
	}
	return t.next.RoundTrip(req)
}

// objection says why req is not a request for a token.
func (t *metadataTransport) objection(req *http.Request) string {
	u := req.URL
	switch {
	case !t.d.metadata:
		return "nothing of the site logs in with a managed identity"
	case u.Scheme != "http" || u.User != nil || u.Host != metadataAddr.String() && u.Host != metadataAddr.String()+":80":
		return "instance metadata is http://169.254.169.254 and nothing else"
	case req.Host != "" && req.Host != u.Host:
		return "the Host header names another host"
	case req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody:
		return "instance metadata is asked with GET and no body"
	case !strings.HasPrefix(u.Path, metadataPath) || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") || u.EscapedPath() != u.Path:
		return "only paths below " + metadataPath + " are asked"
	}
	return ""
}

// MetadataOpen reports whether instance metadata may be asked at all.
func (d *Dialer) MetadataOpen() bool { return d.metadata }
