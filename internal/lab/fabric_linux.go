package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// fabric is the namespace between all hosts. Each host hangs on a cable of its
// own and has a route for its one address, so that what two hosts of a subnet
// say to each other comes by here as well. Who is at which address is written
// down: nobody asks, and nobody answers for another.
type fabric struct {
	// own is the fabric's namespace; hosts are the others', by host name.
	own   int
	hosts map[string]int
	// six: the kernel has IPv6.
	six bool

	// faulty guards what is broken at present.
	faulty sync.Mutex
}

// in runs f in a thread of its own that lives in a namespace, and dies with it.
func in(ns int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use to others
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering a network namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// here is the namespace of the thread.
func here() (int, error) {
	return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// makeNamespace makes a network namespace that nobody is in.
func makeNamespace() (ns int, err error) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			ns, err = here()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return 0, fmt.Errorf("making a network namespace: %w", err)
	}
	return ns, nil
}

// The hosts' way out: an address of the link, behind one hardware address.
var (
	hardware = net.HardwareAddr{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc}
	via4     = netip.MustParseAddr("169.254.1.1")
	via6     = netip.MustParseAddr("fe80::1")
)

// newFabric makes the namespaces, and the rules that hold whatever the site says.
func newFabric(p *Plan) (*fabric, error) {
	f := &fabric{hosts: map[string]int{}}
	var err error
	if f.own, err = here(); err != nil {
		return nil, err
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		f.six = true
	}
	if err := f.sysctls(map[string]string{"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}); err != nil {
		return nil, err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return nil, err
	}
	for _, a := range []netip.Addr{platformDNS, metadataAddr, publicDNS} {
		if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: single(a)}); err != nil {
			return nil, fmt.Errorf("the address %s: %w", a, err)
		}
	}
	if err := f.guard(p); err != nil {
		return nil, fmt.Errorf("the fabric's own rules: %w", err)
	}
	for _, h := range p.Hosts {
		if err := f.add(h); err != nil {
			return nil, fmt.Errorf("the host %s: %w", h.Name, err)
		}
	}
	return f, nil
}

// sysctls sets those of the calling thread's network namespace. Interfaces make
// no addresses of their own, and take none that somebody offers.
func (f *fabric) sysctls(more map[string]string) error {
	all := map[string]string{
		"ipv6/conf/default/accept_dad": "0", "ipv6/conf/default/accept_ra": "0", "ipv6/conf/default/addr_gen_mode": "1",
	}
	for name, value := range more {
		all[name] = value
	}
	for name, value := range all {
		if !f.six && name[:4] == "ipv6" {
			continue
		}
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func single(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

func everything(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: make(net.IP, a.BitLen()/8), Mask: net.CIDRMask(0, a.BitLen())}
}

// add makes a host and its cable.
func (f *fabric) add(h *Host) error {
	ns, err := makeNamespace()
	if err != nil {
		return err
	}
	f.hosts[h.Name] = ns
	// Commands run as the user, who may listen on every port and may ping.
	if err := in(ns, func() error {
		return f.sysctls(map[string]string{"ipv4/ip_unprivileged_port_start": "0", "ipv4/ping_group_range": "0 0"})
	}); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.TxQLen = h.Device, hardware, 1000
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns)}); err != nil {
		return fmt.Errorf("its cable: %w", err)
	}
	cable, err := netlink.LinkByName(h.Device)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(cable); err != nil {
		return err
	}
	there, err := netlink.NewHandleAt(netns.NsHandle(ns))
	if err != nil {
		return err
	}
	defer there.Close()
	nic, err := f.up(there)
	if err != nil {
		return err
	}
	for _, a := range h.Addrs {
		if a.Is6() && !f.six {
			continue
		}
		if err := connect(there, nic, cable, a); err != nil {
			return fmt.Errorf("its address %s: %w", a, err)
		}
	}
	if h.Kind == Outside {
		return f.everywhere(h, there, nic, cable)
	}
	return nil
}

// up sets a new host's interfaces up.
func (f *fabric) up(there *netlink.Handle) (nic netlink.Link, err error) {
	for _, name := range []string{"lo", "eth0"} {
		if nic, err = there.LinkByName(name); err != nil {
			return nil, err
		}
		if err := there.LinkSetUp(nic); err != nil {
			return nil, err
		}
	}
	return nic, nil
}

// connect gives an address to a host, and both ends of the cable the way.
func connect(there *netlink.Handle, nic, cable netlink.Link, a netip.Addr) error {
	via := via4
	if a.Is6() {
		via = via6
	}
	ours, theirs := cable.Attrs().Index, nic.Attrs().Index
	if err := there.AddrAdd(nic, &netlink.Addr{IPNet: single(a), Flags: unix.IFA_F_NODAD}); err != nil {
		return err
	}
	// A second address of a family finds these.
	err := there.NeighSet(&netlink.Neigh{LinkIndex: theirs, IP: via.AsSlice(), HardwareAddr: hardware, State: netlink.NUD_PERMANENT})
	if err != nil {
		return err
	}
	if err := there.RouteReplace(&netlink.Route{LinkIndex: theirs, Gw: via.AsSlice(), Flags: int(netlink.FLAG_ONLINK), Dst: everything(a)}); err != nil {
		return fmt.Errorf("its way out: %w", err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: ours, Dst: single(a), Scope: netlink.SCOPE_LINK}); err != nil {
		return fmt.Errorf("the way to it: %w", err)
	}
	return netlink.NeighAdd(&netlink.Neigh{LinkIndex: ours, IP: a.AsSlice(), HardwareAddr: nic.Attrs().HardwareAddr, State: netlink.NUD_PERMANENT})
}

// everywhere makes a host the end of all other addresses: who reaches out finds
// somebody, whatever the address. For its kernel every address is its own, but
// that is asked only of what comes in, and of what stays.
func (f *fabric) everywhere(h *Host, there *netlink.Handle, nic, cable netlink.Link) error {
	lo, err := there.LinkByName("lo")
	if err != nil {
		return err
	}
	for _, a := range h.Addrs {
		via, family, loopback := via4, netlink.FAMILY_V4, netip.MustParsePrefix("127.0.0.0/8")
		if a.Is6() {
			if !f.six {
				continue
			}
			via, family, loopback = via6, netlink.FAMILY_V6, netip.MustParsePrefix("::1/128")
		}
		ours := cable.Attrs().Index
		if err := netlink.NeighAdd(&netlink.Neigh{LinkIndex: ours, IP: via.AsSlice(), HardwareAddr: nic.Attrs().HardwareAddr, State: netlink.NUD_PERMANENT}); err != nil {
			return err
		}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: ours, Gw: via.AsSlice(), Flags: int(netlink.FLAG_ONLINK), Dst: everything(a)}); err != nil {
			return fmt.Errorf("the way to the internet: %w", err)
		}
		if err := there.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: everything(a), Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, Table: unix.RT_TABLE_LOCAL}); err != nil {
			return fmt.Errorf("all addresses: %w", err)
		}
		rule := func(priority, table int, change func(*netlink.Rule)) error {
			r := netlink.NewRule()
			r.Family, r.Priority, r.Table = family, priority, table
			change(r)
			if err := there.RuleAdd(r); err != nil {
				return fmt.Errorf("all addresses: %w", err)
			}
			return nil
		}
		first := netlink.NewRule()
		first.Family, first.Priority, first.Table = family, 0, unix.RT_TABLE_LOCAL
		if err := errors.Join(
			rule(40, unix.RT_TABLE_LOCAL, func(r *netlink.Rule) {
				r.Dst = &net.IPNet{IP: loopback.Addr().AsSlice(), Mask: net.CIDRMask(loopback.Bits(), loopback.Addr().BitLen())}
			}),
			rule(41, unix.RT_TABLE_LOCAL, func(r *netlink.Rule) { r.Dst = single(a) }),
			rule(42, unix.RT_TABLE_LOCAL, func(r *netlink.Rule) { r.IifName = "eth0" }),
			rule(50, unix.RT_TABLE_MAIN, func(*netlink.Rule) {}),
		); err != nil {
			return err
		}
		if err := there.RuleDel(first); err != nil {
			return fmt.Errorf("all addresses: %w", err)
		}
	}
	return nil
}
