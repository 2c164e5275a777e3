package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nft"
	"github.com/cloister-ai/cloister/internal/site"
)

// bench is a network namespace with one host's rules between two wires: its own,
// and the world's. Packets with any addresses are put into either, so that the
// rules are asked alone: no other host's rules, no routes, and nobody who checks
// senders.
type bench struct {
	events chan nft.Event
	set    *nsg.Ruleset
	// own and world are the far ends, into which packets are put; near ends are
	// where the rules hang.
	own, world wireEnds
	// out and in take what comes out of the far ends.
	socket int
}

type wireEnds struct {
	near     string
	nearLink int
	far      int
}

// benchGroup is the NFLOG group of the bench's own namespace.
const benchGroup = 79

// answerWait bounds how long the kernel may take over one packet.
const answerWait = 2 * time.Second

// judge puts every probe before the rules of its host, in the kernel. The answers
// stand in the order of the probes.
func judge(ctx context.Context, n *site.Network, rules *nsg.Rules, probes []probe) ([]nsg.Decision, error) {
	type result struct {
		answers []nsg.Decision
		err     error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its namespace
		ns, err := netns.New()
		if err != nil {
			done <- result{nil, fmt.Errorf("making a network namespace: %w", err)}
			return
		}
		defer ns.Close()
		answers, err := judgeHere(ctx, n, rules, probes)
		done <- result{answers, err}
	}()
	r := <-done
	return r.answers, r.err
}

func judgeHere(ctx context.Context, n *site.Network, rules *nsg.Rules, probes []probe) ([]nsg.Decision, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bench{events: make(chan nft.Event, 4096)}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	defer unix.Close(b.socket)
	answers := make([]nsg.Decision, len(probes))
	for i, p := range probes {
		if i == 0 || p.host != probes[i-1].host {
			set, err := nft.Install(rules, []nft.Device{{Name: b.own.near, Point: pointOf(rules, n, p.host)}}, nft.Options{Group: benchGroup})
			if err != nil {
				return nil, fmt.Errorf("the rules of %s: %w", p.host.Name, err)
			}
			b.set = set
		}
		if i == 0 || p.inbound != probes[i-1].inbound {
			if err := b.lead(p.inbound); err != nil {
				return nil, err
			}
		}
		d, err := b.ask(ctx, p)
		if err != nil {
			return nil, err
		}
		answers[i] = d
	}
	return answers, nil
}

func (b *bench) build(ctx context.Context) error {
	for name, value := range map[string]string{
		"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/accept_local": "1",
		"ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0", "ipv4/conf/all/send_redirects": "0",
		// Nobody says anything on a wire that has not been put there.
		"ipv6/conf/default/addr_gen_mode": "1", "ipv6/conf/default/accept_dad": "0",
	} {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644); err != nil {
			return err
		}
	}
	var err error
	if b.own, err = newWireEnds("own"); err != nil {
		return err
	}
	if b.world, err = newWireEnds("world"); err != nil {
		return err
	}
	if b.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("opening a packet socket: %w", err)
	}
	if err := b.forget(); err != nil {
		return err
	}
	return nft.Watch(ctx, benchGroup, func(e nft.Event) {
		select {
		case b.events <- e:
		default: // a packet that is not answered for is an error
		}
	})
}

// passed is the number that is logged behind all rules.
const passed = 1_000_000

// forget keeps the kernel from taking a packet for the answer to one before it,
// and logs what came through.
func (b *bench) forget() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	accept := nftables.ChainPolicyAccept
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "bench"})
	for _, chain := range []struct {
		name     string
		hook     *nftables.ChainHook
		priority nftables.ChainPriority
		exprs    []expr.Any
	}{
		{"forget", nftables.ChainHookPrerouting, -300, []expr.Any{&expr.Notrack{}}},
		{"passed", nftables.ChainHookForward, 300, []expr.Any{nft.Logged(benchGroup, passed)}},
	} {
		ch := c.AddChain(&nftables.Chain{Name: chain.name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: chain.hook, Priority: &chain.priority, Policy: &accept})
		c.AddRule(&nftables.Rule{Table: table, Chain: ch, Exprs: chain.exprs})
	}
	return c.Flush()
}

// benchAddress is that of near ends.
var benchAddress = net.HardwareAddr{2, 0, 0, 0, 0, 1}

func newWireEnds(name string) (w wireEnds, err error) {
	w.near = name
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, HardwareAddr: benchAddress}, PeerName: name + "-far"}
	if err := netlink.LinkAdd(veth); err != nil {
		return w, fmt.Errorf("making a device: %w", err)
	}
	near, err := netlink.LinkByName(name)
	if err != nil {
		return w, err
	}
	far, err := netlink.LinkByName(name + "-far")
	if err != nil {
		return w, err
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"-far/disable_ipv6", []byte("1"), 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
		return w, err
	}
	for _, l := range []netlink.Link{near, far} {
		if err := errors.Join(netlink.LinkSetARPOff(l), netlink.LinkSetUp(l)); err != nil {
			return w, err
		}
	}
	w.nearLink, w.far = near.Attrs().Index, far.Attrs().Index
	return w, nil
}

// lead sends all packets to the host's wire, or to the world's.
func (b *bench) lead(inbound bool) error {
	link := b.world.nearLink
	if inbound {
		link = b.own.nearLink
	}
	for _, all := range []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} {
		if all.Addr().Is6() && !hasIPv6() {
			continue
		}
		route := &netlink.Route{LinkIndex: link, Scope: netlink.SCOPE_LINK, Dst: &net.IPNet{IP: all.Addr().AsSlice(), Mask: net.CIDRMask(0, all.Addr().BitLen())}}
		if err := netlink.RouteReplace(route); err != nil {
			return fmt.Errorf("the route %s: %w", all, err)
		}
	}
	return nil
}

func hasIPv6() bool {
	_, err := os.Stat("/proc/sys/net/ipv6")
	return err == nil
}

// ask puts one packet in and waits for what the kernel says about it.
func (b *bench) ask(ctx context.Context, p probe) (nsg.Decision, error) {
	frame := append(append([]byte{}, benchAddress...), 2, 0, 0, 0, 0, 2)
	if p.packet.Source.Is4() {
		frame = append(binary.BigEndian.AppendUint16(frame, unix.ETH_P_IP), nft.Packet(p.packet)...)
	} else {
		frame = append(binary.BigEndian.AppendUint16(frame, unix.ETH_P_IPV6), nft.Packet(p.packet)...)
	}
	to := &unix.SockaddrLinklayer{Ifindex: b.own.far, Halen: 6}
	if p.inbound {
		to.Ifindex = b.world.far
	}
	copy(to.Addr[:], benchAddress)
	if err := unix.Sendto(b.socket, frame, 0, to); err != nil {
		return nsg.Decision{}, fmt.Errorf("sending a packet: %w", err)
	}
	var last nsg.Decision
	wait := time.NewTimer(answerWait)
	defer wait.Stop()
	for {
		select {
		case e := <-b.events:
			if e.Packet.Source != p.packet.Source || e.Packet.Destination != p.packet.Destination || e.Packet.Protocol != p.packet.Protocol || p.packet.Protocol.HasPorts() && e.Packet != p.packet {
				continue // of a packet before this one
			}
			if e.Entry == passed {
				last.Allow = true
				return last, nil
			}
			if e.Entry < 0 || e.Entry >= len(b.set.Entries) {
				return last, fmt.Errorf("the kernel names rule %d, which there is not", e.Entry)
			}
			if last = b.set.Entries[e.Entry].Decision(); !last.Allow {
				return last, nil
			}
		case <-wait.C:
			return last, fmt.Errorf("the kernel says nothing about a packet from %s to %s", p.packet.Source, p.packet.Destination)
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

// verifyRules is [Lab.Verify]'s part in the inner process.
func (n *inner) verifyRules(seed uint64) ([]Attempt, error) {
	rules, problems := nsg.Compile(n.site.Network)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	r, err := newReach(n.site.Network)
	if err != nil {
		return nil, err
	}
	probes, err := planProbes(rules, n.plan, r, seed)
	if err != nil {
		return nil, err
	}
	answers, err := judge(context.Background(), n.site.Network, rules, probes)
	if err != nil {
		return nil, err
	}
	out := make([]Attempt, len(probes))
	for i, p := range probes {
		out[i] = Attempt{
			What: whatRules, From: p.packet.Source.String(), To: p.packet.Destination.String(), Port: int(p.packet.DestinationPort), Protocol: p.packet.Protocol.String(),
			Expected: allowedWord(p.expected), Seen: allowedWord(answers[i].Allow), Rule: answers[i].Rule.ID(), OK: p.expected == answers[i].Allow,
			Host: p.host.Name, Inbound: p.inbound,
		}
	}
	return out, nil
}
