package dns

import (
	"context"
	"errors"
	"net"
	"strings"

	mdns "github.com/miekg/dns"
)

// far is a question that goes on outside.
type far struct {
	zones   *Zones
	view    *View
	servers []string
	name    string
	kind    uint16
}

// goOn asks outside for where an answer leads to. Where the world leads back into a
// zone of the view, as the public alias of a service does, that zone answers: it is
// how Azure keeps a name without a record from being public.
func (s *Server) goOn(ctx context.Context, m *mdns.Msg, f far) *mdns.Msg {
	select {
	case s.forward <- struct{}{}:
		defer func() { <-s.forward }()
	default:
		return failed(m)
	}
	ctx, cancel := context.WithTimeout(ctx, forwardWait)
	defer cancel()
	m.Authoritative = m.Authoritative && len(m.Answer) > 0
	for range maxRounds {
		got := s.askAll(ctx, f)
		if got == nil {
			return failed(m)
		}
		records, back := f.follow(got.Answer)
		m.Rcode, m.Answer, m.Ns = got.Rcode, append(m.Answer, records...), got.Ns
		if back == "" {
			return spelled(m)
		}
		a := f.zones.Answer(Question{Name: back, Type: Type(f.kind)}, f.view)
		near := a.Reply(new(mdns.Msg))
		m.Rcode, m.Answer, m.Ns = near.Rcode, append(m.Answer, near.Answer...), near.Ns
		if f.name = a.Ask; f.name == "" {
			return spelled(m)
		}
	}
	return failed(m)
}

func failed(m *mdns.Msg) *mdns.Msg {
	m.Rcode, m.Answer, m.Ns, m.Authoritative = mdns.RcodeServerFailure, nil, nil, false
	return m
}

// spelled keeps the spelling of the question.
func spelled(m *mdns.Msg) *mdns.Msg {
	for _, rr := range m.Answer {
		if strings.EqualFold(rr.Header().Name, m.Question[0].Name) {
			rr.Header().Name = m.Question[0].Name
		}
	}
	return m
}

// follow keeps the records that answer the question, alias after alias, and stops
// where the site knows better.
func (f far) follow(records []mdns.RR) (chain []mdns.RR, back string) {
	at := normal(f.name)
	for range maxChain + 1 {
		next := ""
		for _, rr := range records {
			if h := rr.Header(); h.Class != mdns.ClassINET || normal(h.Name) != at {
				continue
			}
			alias, isAlias := rr.(*mdns.CNAME)
			switch {
			case rr.Header().Rrtype == f.kind:
				chain = append(chain, rr)
			case isAlias && next == "":
				chain = append(chain, rr)
				next = normal(alias.Target)
			}
		}
		if next == "" || f.zones.knows(f.view, next) {
			return chain, next
		}
		at = next
	}
	return chain, ""
}

// askAll asks one server after the other; nil: none knows.
func (s *Server) askAll(ctx context.Context, f far) *mdns.Msg {
	for _, server := range f.servers {
		m, err := ask(ctx, s.opt.Dial, server, new(mdns.Msg).SetQuestion(mdns.Fqdn(f.name), f.kind))
		if err == nil && m.Rcode != mdns.RcodeServerFailure && m.Rcode != mdns.RcodeRefused {
			return m
		}
	}
	return nil
}

// ask asks a server: by UDP, and by TCP where the answer does not fit.
func ask(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), server string, q *mdns.Msg) (*mdns.Msg, error) {
	q.SetEdns0(maxMessage, false)
	m, err := exchange(ctx, dial, "udp", server, q)
	if err == nil && m.Truncated {
		m, err = exchange(ctx, dial, "tcp", server, q)
	}
	return m, err
}

func exchange(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), network, server string, q *mdns.Msg) (*mdns.Msg, error) {
	conn, err := dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	c := &mdns.Conn{Conn: conn, UDPSize: maxMessage}
	q.Id = mdns.Id()
	if err := c.WriteMsg(q); err != nil {
		return nil, err
	}
	for {
		m, err := c.ReadMsg()
		if err != nil {
			return nil, err
		}
		if m.Response && m.Id == q.Id && len(m.Question) == 1 && m.Question[0] == q.Question[0] {
			return m, nil
		}
		if network == "tcp" {
			return nil, errors.New("the server answers another question")
		}
	}
}
