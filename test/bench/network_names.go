package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/cloister-ai/cloister/internal/network/dns"
	"github.com/cloister-ai/cloister/internal/site"
)

// nameAskers is how many ask at once.
const nameAskers = 16

// benchNames measures answers over UDP on loopback, beside a server of the same
// library that says one thing.
func benchNames(opt options) error {
	v := &site.VirtualNetwork{Name: "contoso", AddressSpace: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	zone := &site.PrivateZone{Name: "contoso.internal", Links: []*site.ZoneLink{{VirtualNetwork: v}}}
	for i := range 1000 {
		zone.Records = append(zone.Records, &site.ZoneRecord{
			Name: fmt.Sprintf("host%d", i), Type: "A", TTL: 60, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})},
		})
	}
	zones, problems := dns.Compile(&site.Network{VirtualNetworks: []*site.VirtualNetwork{v}, PrivateZones: []*site.PrivateZone{zone}}, dns.Options{Gateway: v})
	if err := problems.Err(); err != nil {
		return err
	}
	ours, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := dns.NewServer(dns.ServerOptions{Zones: func() *dns.Zones { return zones }})
	server.Serve(ours, nil)
	defer server.Close()
	plain, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	bare := &mdns.Server{PacketConn: plain, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := new(mdns.Msg).SetReply(q)
		m.Answer = []mdns.RR{&mdns.A{Hdr: mdns.RR_Header{Name: q.Question[0].Name, Rrtype: mdns.TypeA, Class: mdns.ClassINET, Ttl: 60}, A: net.IPv4(10, 0, 0, 1)}}
		w.WriteMsg(m)
	})}
	go bare.ActivateAndServe()
	defer plain.Close()

	var own, peer []nameFigure
	for range opt.rounds {
		for _, of := range []struct {
			at  net.Addr
			out *[]nameFigure
		}{{ours.LocalAddr(), &own}, {plain.LocalAddr(), &peer}} {
			f, err := askNames(of.at.String(), opt.duration/4)
			if err != nil {
				return err
			}
			*of.out = append(*of.out, f)
		}
	}
	a, b := middleName(own), middleName(peer)
	fmt.Printf("private names: %d ask at once over UDP on loopback; a zone of 1,000 names beside a bare server of the same library, askers in the same process\n", nameAskers)
	fmt.Printf("  %.0f answers a second, %.1f µs of CPU each with its asker; bare %.0f and %.1f µs\n", a.perSecond, a.cpu, b.perSecond, b.cpu)
	fmt.Printf("network dns-cpu-ratio bare %.2f\n", a.cpu/b.cpu)
	return nil
}

// nameFigure is answers a second, and CPU time of one in microseconds.
type nameFigure struct{ perSecond, cpu float64 }

func middleName(list []nameFigure) nameFigure {
	var rates, cpu []float64
	for _, f := range list {
		rates, cpu = append(rates, f.perSecond), append(cpu, f.cpu)
	}
	return nameFigure{middle(rates), middle(cpu)}
}

// askNames asks for as long as duration.
func askNames(at string, duration time.Duration) (nameFigure, error) {
	var mu sync.Mutex
	var failed error
	answers := 0
	before, began := processorTime(), time.Now()
	var askers sync.WaitGroup
	for i := range nameAskers {
		askers.Go(func() {
			n, err := askOne(at, i, began.Add(duration))
			mu.Lock()
			defer mu.Unlock()
			answers += n
			if err != nil {
				failed = err
			}
		})
	}
	askers.Wait()
	if failed != nil {
		return nameFigure{}, failed
	}
	spent := processorTime() - before
	return nameFigure{float64(answers) / time.Since(began).Seconds(), float64(spent.Microseconds()) / float64(answers)}, nil
}

func askOne(at string, i int, until time.Time) (answers int, err error) {
	conn, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	wire, err := new(mdns.Msg).SetQuestion(fmt.Sprintf("host%d.contoso.internal.", i), mdns.TypeA).Pack()
	if err != nil {
		return 0, err
	}
	answer := make([]byte, 1500)
	for time.Now().Before(until) {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write(wire); err != nil {
			return answers, err
		}
		n, err := conn.Read(answer)
		if err != nil {
			return answers, err
		}
		if n < 12 || answer[3]&0xf != 0 || answer[7] != 1 { // NOERROR, one record
			return answers, fmt.Errorf("the server at %s does not answer", at)
		}
		answers++
	}
	return answers, nil
}
