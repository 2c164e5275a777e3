package dns

import "net/netip"

// Found is what the site's zones know about a host.
type Found struct {
	// Addresses are IPv4 first.
	Addresses []netip.Addr
	// Chain is the host and the aliases that lead on from it.
	Chain []string
	// Zone is the private zone in which the last name does not exist, or has no
	// address; empty where there is one.
	Zone string
	// Ask is the name with which the question goes on outside the site, at the
	// servers that are asked for everything else; empty: the answer stands.
	Ask string
}

// Lookup is the addresses of a host for the gateway itself. It is not handled
// where the gateway stands in no network, or where no zone and no endpoint has
// the name: the site's zones know nothing of it then.
func (z *Zones) Lookup(host string) (f Found, handled bool) {
	if z.gateway == nil {
		return Found{}, false
	}
	host = normal(host)
	four := z.Answer(Question{host, TypeA}, z.gateway)
	if four.Code == Refused {
		return Found{}, false
	}
	f.add(four, host)
	f.add(z.Answer(Question{host, TypeAAAA}, z.gateway), host)
	if len(f.Addresses) == 0 {
		f.Zone = four.SOA
	}
	return f, true
}

func (f *Found) add(a Answer, host string) {
	chain := []string{host}
	for _, r := range a.Records {
		switch r.Type {
		case TypeCNAME:
			chain = append(chain, r.Target)
		case TypeA, TypeAAAA:
			f.Addresses = append(f.Addresses, r.Address)
		}
	}
	if f.Chain == nil {
		f.Chain, f.Ask = chain, a.Ask
	}
}
