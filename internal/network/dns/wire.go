package dns

import (
	"net"
	"strings"

	mdns "github.com/miekg/dns"
)

// Reply is the answer as a message, to the question of q, whose spelling it
// keeps.
func (a *Answer) Reply(q *mdns.Msg) *mdns.Msg {
	m := new(mdns.Msg).SetReply(q)
	m.Rcode, m.Authoritative = int(a.Code), a.Authoritative
	for _, r := range a.Records {
		if rr := r.wire(); rr != nil {
			if len(m.Answer) == 0 && len(q.Question) == 1 && strings.EqualFold(rr.Header().Name, q.Question[0].Name) {
				rr.Header().Name = q.Question[0].Name
			}
			m.Answer = append(m.Answer, rr)
		}
	}
	if a.SOA != "" {
		m.Ns = []mdns.RR{soa(a.SOA)}
	}
	return m
}

func soa(zone string) mdns.RR {
	return &mdns.SOA{
		Hdr: mdns.RR_Header{Name: mdns.Fqdn(zone), Rrtype: mdns.TypeSOA, Class: mdns.ClassINET, Ttl: soaMinimum},
		Ns:  mdns.Fqdn(soaMaster), Mbox: mdns.Fqdn(soaMailbox), Serial: soaSerial, Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: soaMinimum,
	}
}

// wire is the record as it goes over the wire; nil for a type that zones do not
// hold.
func (r *Record) wire() mdns.RR {
	head := mdns.RR_Header{Name: mdns.Fqdn(r.Name), Rrtype: uint16(r.Type), Class: mdns.ClassINET, Ttl: r.TTL}
	switch r.Type {
	case TypeA:
		return &mdns.A{Hdr: head, A: net.IP(r.Address.AsSlice())}
	case TypeAAAA:
		return &mdns.AAAA{Hdr: head, AAAA: net.IP(r.Address.AsSlice())}
	case TypeCNAME:
		return &mdns.CNAME{Hdr: head, Target: mdns.Fqdn(r.Target)}
	case TypeNS:
		return &mdns.NS{Hdr: head, Ns: mdns.Fqdn(r.Target)}
	case TypeTXT:
		return &mdns.TXT{Hdr: head, Txt: r.Texts}
	case TypeHINFO:
		return &mdns.HINFO{Hdr: head, Cpu: "RFC8482"}
	case TypeSOA:
		rr := soa(r.Name)
		rr.Header().Ttl = r.TTL
		return rr
	}
	return nil
}
