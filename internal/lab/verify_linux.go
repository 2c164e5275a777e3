package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

const (
	// verifyWait is how long an attempt waits for an answer before it counts as
	// dropped, and verifyAtOnce how many there are at a time.
	verifyWait   = 400 * time.Millisecond
	verifyAtOnce = 32
	// mostAttempts bounds those from host to host.
	mostAttempts = 10_000
	// mostMessage bounds the answer of a service.
	mostMessage = 64 << 10
)

// Verify tries with real packets whether the network is as
// network/reachability.yaml of s says: from every host to every other, in from
// outside and out to it, as somebody else, past the gateway, by names; and the
// rules of each host by themselves, at the edges of what they let through. The
// seed chooses where there is too much to try everything.
func (l *Lab) Verify(ctx context.Context, s *site.Site, seed uint64) (*Report, error) {
	r, err := newReach(s.Network)
	if err != nil {
		return nil, err
	}
	v := &verifier{lab: l, site: s, reach: r}
	v.connections()
	v.spoofs()
	if len(v.todo) > mostAttempts {
		return nil, fmt.Errorf("%d connections are too many to be tried; mend: verify parts of the network", len(v.todo))
	}
	v.names()
	v.services()
	report := &Report{Attempts: make([]Attempt, len(v.todo))}
	if err := v.run(ctx, report.Attempts); err != nil {
		return nil, err
	}
	w, err := l.connect()
	if err != nil {
		return nil, err
	}
	defer w.close()
	var answer reply
	if err := w.ask(request{Verify: &verifyRequest{Seed: seed}}, &answer); err != nil {
		return nil, err
	}
	report.Attempts = append(report.Attempts, answer.Attempts...)
	return report, nil
}

// verifier plans attempts.
type verifier struct {
	lab   *Lab
	site  *site.Site
	reach *reach
	todo  []func(ctx context.Context) (Attempt, error)
}

// run makes all attempts, several at a time. An attempt that cannot be made is an
// error: it shows nothing.
func (v *verifier) run(ctx context.Context, out []Attempt) error {
	errs := make([]error, len(v.todo))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(verifyAtOnce, len(v.todo)) {
		workers.Go(func() {
			for i := range next {
				out[i], errs[i] = v.todo[i](ctx)
			}
		})
	}
	for i := range v.todo {
		next <- i
	}
	close(next)
	workers.Wait()
	return errors.Join(errs...)
}

// connections are attempts from every host to every other: at the ports that have
// to be reachable, beside them, and by the other protocol.
func (v *verifier) connections() {
	for _, from := range v.lab.plan.Hosts {
		for _, to := range v.lab.plan.Hosts {
			if from == to || from.Kind == Public || !from.Inside() && !to.Inside() {
				continue
			}
			for _, a := range to.Addrs {
				own := from.Addr(a)
				if !own.IsValid() {
					continue
				}
				for _, port := range v.ports(own, a) {
					for _, protocol := range []nsg.Protocol{nsg.TCP, nsg.UDP} {
						v.connect(from, to, a, port, protocol)
					}
				}
			}
		}
	}
}

// ports are those of the lines that speak of two addresses, the ones beside them,
// and two that services have.
func (v *verifier) ports(from, to netip.Addr) []uint16 {
	out := []uint16{443, 22}
	for _, l := range v.reach.allow {
		if v.reach.holds(l.from, from) && v.reach.holds(l.to, to) {
			for _, p := range l.ports {
				out = append(out, p, p+1)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (v *verifier) connect(from, to *Host, addr netip.Addr, port uint16, protocol nsg.Protocol) {
	packet := nsg.Packet{Protocol: protocol, Source: from.Addr(addr), Destination: addr, DestinationPort: port}
	expected := v.reach.allows(packet)
	v.todo = append(v.todo, func(ctx context.Context) (Attempt, error) {
		a := Attempt{What: whatConnect, From: from.Name, To: to.Name, Port: int(port), Protocol: protocol.String(), Expected: allowedWord(expected)}
		seen, rule, err := v.lab.Dial(ctx, from.Name, netip.AddrPortFrom(addr, port), protocol.String(), verifyWait)
		a.Rule, a.Seen, a.OK = rule, allowedWord(seen.Reached()), seen.Reached() == expected
		return a, err
	})
}

// spoofs are attempts to use the address of who is let in.
func (v *verifier) spoofs() {
	for _, l := range v.reach.allow {
		if l.protocol != nsg.TCP || len(l.ports) == 0 {
			continue
		}
		for _, owner := range v.lab.plan.Hosts {
			for _, to := range v.lab.plan.Hosts {
				if !owner.Inside() || !v.reach.holds(l.from, owner.Addrs[0]) || !to.Inside() || !v.reach.holds(l.to, to.Addrs[0]) {
					continue
				}
				for _, from := range v.lab.plan.Hosts {
					if from.Kind == Public || from == owner || from == to || v.reach.holds(l.from, from.Addrs[0]) {
						continue
					}
					v.spoof(from, owner, to, l.ports[0])
				}
			}
		}
	}
}

func (v *verifier) spoof(from, owner, to *Host, port uint16) {
	addr := to.Addrs[0]
	sender := owner.Addr(addr)
	if !sender.IsValid() {
		return
	}
	v.todo = append(v.todo, func(ctx context.Context) (Attempt, error) {
		a := Attempt{What: whatSpoof, From: from.Name + " as " + owner.Name, To: to.Name, Port: int(port), Protocol: "tcp", Expected: seenDenied}
		seen, rule, err := v.lab.DialAs(ctx, from.Name, sender, netip.AddrPortFrom(addr, port), "tcp", verifyWait)
		a.Rule, a.Seen, a.OK = rule, allowedWord(seen.Reached()), !seen.Reached()
		return a, err
	})
}

// names are asked for inside, where they lead to the endpoint, and outside, where
// they must not.
func (v *verifier) names() {
	for _, e := range v.site.Network.PrivateEndpoints {
		if len(e.Names) == 0 || len(e.Addresses) == 0 {
			continue
		}
		for _, h := range v.lab.plan.Hosts {
			if h.Kind != Machine && h.Kind != Outside {
				continue
			}
			v.name(h, e.Names[0], e.Addresses[0])
		}
	}
}

func (v *verifier) name(h *Host, name string, endpoint netip.Addr) {
	v.todo = append(v.todo, func(ctx context.Context) (Attempt, error) {
		a := Attempt{What: whatName, From: h.Name, To: name, Port: 53, Protocol: "udp", Expected: endpoint.String()}
		if !h.Inside() {
			a.Expected = "an address outside, or none"
		}
		answer, err := v.lab.Ask(ctx, h.Name, name)
		if err != nil {
			return a, err
		}
		addrs := slices.DeleteFunc(answer.Addrs, func(b netip.Addr) bool { return b.Is4() != endpoint.Is4() })
		a.Seen = "none"
		if len(addrs) > 0 {
			a.Seen = addrs[0].String()
		}
		if h.Inside() {
			a.OK = len(addrs) > 0 && !slices.ContainsFunc(addrs, func(b netip.Addr) bool { return b != endpoint })
		} else {
			a.OK = !slices.ContainsFunc(addrs, v.reach.inside)
		}
		return a, nil
	})
}

// services are what answers: the gateway, with no old TLS, and the model's public
// address, which refuses.
func (v *verifier) services() {
	gateway := v.lab.plan.Gateway()
	for _, l := range v.reach.allow {
		if gateway == nil || l.protocol != nsg.TCP || !v.reach.holds(l.to, gateway.Addrs[0]) {
			continue
		}
		for _, h := range v.lab.plan.Hosts {
			if h.Kind == Machine && v.reach.holds(l.from, h.Addrs[0]) && h != gateway {
				v.tls(h, gateway, l.ports[0], tls.VersionTLS11, false)
				v.tls(h, gateway, l.ports[0], tls.VersionTLS12, true)
			}
		}
	}
	if len(v.site.Network.PrivateEndpoints) > 0 {
		v.closed()
	}
}

func (v *verifier) tls(from, gateway *Host, port uint16, version uint16, expected bool) {
	v.todo = append(v.todo, func(ctx context.Context) (Attempt, error) {
		name := strings.ToLower(strings.ReplaceAll(tls.VersionName(version), " ", ""))
		a := Attempt{What: whatTLS, From: from.Name, To: gateway.Name, Port: int(port), Protocol: name, Expected: allowedWord(expected)}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		conn, err := v.lab.DialContext(from.Name)(ctx, "tcp", netip.AddrPortFrom(gateway.Addrs[0], port).String())
		if err != nil {
			a.Seen = seenDenied
			a.OK = false // nobody was asked
			return a, nil
		}
		defer conn.Close()
		host := ""
		if len(v.site.Config.Hostnames) > 0 {
			host = v.site.Config.Hostnames[0].Name
		}
		client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: host, MinVersion: tls.VersionTLS10, MaxVersion: version})
		err = client.HandshakeContext(ctx)
		a.Seen, a.OK = allowedWord(err == nil), (err == nil) == expected
		return a, nil
	})
}

// closed: who comes from outside is answered that public access is disabled.
func (v *verifier) closed() {
	v.todo = append(v.todo, func(ctx context.Context) (Attempt, error) {
		const want = "Public access is disabled"
		a := Attempt{What: whatAnswer, From: site.Internet, To: "public", Port: 443, Protocol: "https", Expected: "403 " + want}
		dial := v.lab.DialContext(site.Internet)
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dial(ctx, network, netip.AddrPortFrom(publicAddrs[0], 443).String())
			},
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
		}}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+v.site.Network.PrivateEndpoints[0].Names[0]+"/openai/models", nil)
		if err != nil {
			return a, err
		}
		resp, err := client.Do(req)
		if err != nil {
			a.Seen = err.Error()
			return a, nil
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, mostMessage))
		a.Seen = resp.Status
		if resp.StatusCode == http.StatusForbidden && strings.Contains(string(body), want) {
			a.Seen, a.OK = a.Expected, true
		}
		return a, nil
	})
}
