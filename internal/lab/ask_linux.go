package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// Answer is what a host's resolver says about a name.
type Answer struct {
	// Code is "NOERROR", "NXDOMAIN" …
	Code string `json:"code"`
	// Chain is the name and the aliases that lead on from it, without dots at the
	// end.
	Chain []string     `json:"chain"`
	Addrs []netip.Addr `json:"addresses,omitempty"`
}

// String is the answer as a line: "a CNAME b A 10.0.0.4".
func (a Answer) String() string {
	out := strings.Join(a.Chain, " CNAME ")
	for _, addr := range a.Addrs {
		kind := " A "
		if addr.Is6() {
			kind = " AAAA "
		}
		out += kind + addr.String()
	}
	if a.Code != "NOERROR" {
		out += " " + a.Code
	}
	return out
}

// Ask asks the resolver that a host has for a name's addresses, IPv4's first.
func (l *Lab) Ask(ctx context.Context, from, name string) (Answer, error) {
	h, err := l.plan.Find(from)
	if err != nil {
		return Answer{}, err
	}
	server := publicDNS
	if h.Inside() {
		server = platformDNS
	}
	out := Answer{Chain: []string{strings.TrimSuffix(strings.ToLower(name), ".")}}
	for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
		m, err := l.exchange(ctx, h, netip.AddrPortFrom(server, 53), name, kind)
		if err != nil {
			return Answer{}, fmt.Errorf("asking %s from %s: %w", server, h.Name, err)
		}
		if out.Code == "" || kind == mdns.TypeA {
			out.Code = mdns.RcodeToString[m.Rcode]
		}
		for _, rr := range m.Answer {
			switch rr := rr.(type) {
			case *mdns.CNAME:
				if kind == mdns.TypeA {
					out.Chain = append(out.Chain, strings.TrimSuffix(rr.Target, "."))
				}
			case *mdns.A:
				out.Addrs = append(out.Addrs, toAddr(rr.A))
			case *mdns.AAAA:
				out.Addrs = append(out.Addrs, toAddr(rr.AAAA))
			}
		}
	}
	return out, nil
}

func toAddr(ip []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// Of a question: how often it is sent, and how long an answer is waited for.
const (
	askTries = 3
	askWait  = time.Second
)

// exchange sends one question by UDP.
func (l *Lab) exchange(ctx context.Context, h *Host, server netip.AddrPort, name string, kind uint16) (*mdns.Msg, error) {
	s, err := l.socket(h.Name, netip.Addr{}, server, "udp")
	if err != nil {
		return nil, err
	}
	defer s.file.Close()
	if err := control(s.file, func(fd int) error { return unix.Connect(fd, sockaddr(server)) }); err != nil {
		return nil, err
	}
	q := new(mdns.Msg)
	q.SetQuestion(mdns.Fqdn(name), kind)
	text, err := q.Pack()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	for range askTries {
		if _, err := s.file.Write(text); err != nil {
			return nil, err
		}
		s.file.SetDeadline(time.Now().Add(askWait))
		n, err := s.file.Read(buf)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m := new(mdns.Msg)
		if err := m.Unpack(buf[:n]); err != nil {
			return nil, err
		}
		if m.Id == q.Id {
			return m, nil
		}
	}
	return nil, errors.New("no answer")
}
