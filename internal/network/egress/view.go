package egress

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// View is one destination as "check" shows it.
type View struct {
	Class Class  `json:"class"`
	Host  string `json:"host"`
	Port  uint16 `json:"port"`
	// Public: the site accepts a public address here.
	Public bool `json:"public"`
	// Addresses are literal or pinned; empty: the name is asked.
	Addresses []netip.Addr `json:"addresses,omitempty"`
	// Scheme is "https", "http" (loopback and instance metadata), or "dns".
	Scheme string `json:"scheme"`
	// Why says who needs it; "listed" where cloister.yaml does not tell.
	Why string `json:"why"`
	// Endpoint is the name of the private endpoint by which alone it is reached;
	// empty: it has none.
	Endpoint string   `json:"endpoint,omitempty"`
	Pos      site.Pos `json:"pos,omitzero"`
}

// Destinations are all that the process may connect to: what cloister.yaml
// lists, the system's DNS servers, and instance metadata where it is used.
// Nothing else is reachable.
func (d *Dialer) Destinations() []View {
	views := make([]View, 0, len(d.order))
	for _, dst := range d.order {
		v := View{Class: dst.class, Host: dst.host, Port: dst.port, Public: dst.public,
			Addresses: slices.Clone(dst.fixed), Scheme: dst.scheme, Why: strings.Join(dst.why, ", "), Pos: dst.pos}
		if e, _ := d.opt.Endpoints.Host(dst.host); e != nil {
			v.Endpoint = e.Name
		}
		if v.Why == "" {
			v.Why = "listed"
		}
		switch {
		case v.Class == Name:
			v.Scheme = "dns"
		case v.Scheme == "":
			v.Scheme = "https"
		}
		views = append(views, v)
	}
	return views
}
