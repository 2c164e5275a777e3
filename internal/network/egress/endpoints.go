package egress

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/network/endpoint"
	"github.com/cloister-ai/cloister/internal/site"
)

// Zones are what the site's private zones know about a host. Known is false where
// they have nothing to do with it. Ask is the name with which the question goes
// on at the site's DNS servers; empty: the addresses are all there are.
type Zones func(host string) (addrs []netip.Addr, ask string, known bool)

// EndpointOf is the private endpoint by which a host is reached, in the spelling
// of [SplitURL]; nil: it has none.
func (d *Dialer) EndpointOf(host string) *endpoint.Endpoint {
	return d.opt.Endpoints.Set().Host(host)
}

// viaEndpoint refuses a host whose endpoint lets nothing through, before its name
// is asked.
func (d *Dialer) viaEndpoint(dst *destination) *RefusedError {
	_, r := d.opt.Endpoints.Host(dst.host)
	if r == nil {
		return nil
	}
	return &RefusedError{Class: dst.class, Host: dst.host, Port: dst.port, Code: r.Code, Reason: r.Reason, Mend: r.Mend}
}

// judgeEndpoint is what private endpoints have to say about an address that is
// good otherwise. An endpoint's own address has to be private, whatever the
// class, or a declared loopback address.
func (d *Dialer) judgeEndpoint(dst *destination, a netip.Addr) *finding {
	a = d.endpointForm(dst, a)
	e, r := d.opt.Endpoints.Judge(dst.host, a)
	switch {
	case r != nil:
		return &finding{r.Code, r.Reason, r.Mend}
	case e != nil && !d.isPrivate(a.Unmap()) && !a.IsLoopback():
		return &finding{CodeEndpointAddress, "the address of the private endpoint " + e.Name + " lies outside privatePrefixes", "add its prefix to privatePrefixes, with a reason"}
	}
	return nil
}

// endpointForm is the form of an address that is an endpoint's, where the host has
// none itself: an endpoint that is reached through a translator is still one.
func (d *Dialer) endpointForm(dst *destination, a netip.Addr) netip.Addr {
	set := d.opt.Endpoints.Set()
	if set.Host(dst.host) != nil {
		return a
	}
	for _, f := range forms(a) {
		if set.Addr(f.addr) != nil {
			return f.addr
		}
	}
	return a
}

// checkEndpoints finds pinned addresses that lead past an endpoint.
func (d *Dialer) checkEndpoints(ps *site.Problems) {
	for _, dst := range d.order {
		e := d.opt.Endpoints.Set().Host(dst.host)
		if e == nil {
			continue
		}
		for _, a := range dst.fixed {
			if !e.Has(a) {
				ps.Add(dst.pos, "destination-"+CodeEndpointAddress, e.Own(), "remove addresses, or write "+e.Own(),
					"%s is pinned to %s, and is reached through the private endpoint %q only", dst.host, a, e.Name)
			}
		}
	}
}

// hold keeps a connection that was opened, so that it is cut when it may not go
// on. Questions to DNS servers are over before that.
func (d *Dialer) hold(dst *destination, a netip.Addr, conn net.Conn) (net.Conn, error) {
	if d.opt.Endpoints == nil || dst.class == Name {
		return conn, nil
	}
	c := &heldConn{Conn: conn}
	cut := func(r *endpoint.Refusal) *RefusedError {
		e := &RefusedError{Class: dst.class, Host: dst.host, Port: dst.port, Addr: a, Code: r.Code, Reason: r.Reason, Mend: r.Mend, Cut: true}
		c.cut.Store(e)
		_ = conn.Close()
		return d.refuse(e)
	}
	held, e, r := d.opt.Endpoints.Hold(dst.host, d.endpointForm(dst, a), func(r *endpoint.Refusal) { cut(r) })
	if r != nil {
		return nil, cut(r)
	}
	if e != nil {
		c.endpoint = e.Name
	}
	c.held = held
	return c, nil
}

// heldConn is a connection that may be cut. What it says then is why.
type heldConn struct {
	net.Conn
	endpoint string
	held     *endpoint.Held
	once     sync.Once
	cut      atomic.Pointer[RefusedError]
}

func (c *heldConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.explain(err)
}

func (c *heldConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.explain(err)
}

func (c *heldConn) explain(err error) error {
	if err != nil && errors.Is(err, net.ErrClosed) {
		if e := c.cut.Load(); e != nil {
			return e
		}
	}
	return err
}

func (c *heldConn) Close() error {
	c.once.Do(c.held.Release)
	return c.Conn.Close()
}
