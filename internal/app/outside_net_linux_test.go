package app

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// outer is the interface that leads out of the gateway's namespace.
const outer = "outer"

// makeOutside gives the namespace of this process a private network, on lo, and an
// interface with the default routes. At its other end stands a namespace in which
// every address of the world is local, so that what gets there is answered by a
// reset at once. Nothing leads to the host.
func makeOutside(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	must(t, err)
	world, err := netns.New() // and this thread is in it
	must(t, err)
	must(t, netns.Set(here))
	t.Cleanup(func() { world.Close() })
	h, err := netlink.NewHandle()
	must(t, err)
	defer h.Close()
	there, err := netlink.NewHandleAt(world)
	must(t, err)
	defer there.Close()
	must(t, h.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: outer}, PeerName: "world", PeerNamespace: netlink.NsFd(int(world))}))
	for _, side := range []struct {
		h                *netlink.Handle
		name, own4, own6 string
		via4, via6       string
		local            []string
		table            int
	}{
		{h, outer, "192.168.250.2/24", "fd99::2/64", "192.168.250.1", "fd99::1", []string{"10.0.0.0/8", "fd00::/64"}, unix.RT_TABLE_LOCAL},
		{there, "world", "192.168.250.1/24", "fd99::1/64", "", "", []string{"0.0.0.0/0", "::/0"}, unix.RT_TABLE_MAIN},
	} {
		lo, err := side.h.LinkByName("lo")
		must(t, err)
		must(t, side.h.LinkSetUp(lo))
		link, err := side.h.LinkByName(side.name)
		must(t, err)
		for _, a := range []string{side.own4, side.own6} {
			addr, err := netlink.ParseAddr(a)
			must(t, err)
			if addr.IP.To4() == nil {
				addr.Flags = unix.IFA_F_NODAD
			}
			must(t, side.h.AddrAdd(link, addr))
		}
		must(t, side.h.LinkSetUp(link))
		for _, p := range side.local {
			_, dst, err := net.ParseCIDR(p)
			must(t, err)
			must(t, side.h.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, Table: side.table}))
		}
		for _, via := range []string{side.via4, side.via6} {
			if via == "" {
				continue
			}
			_, dst, _ := net.ParseCIDR(map[bool]string{true: "0.0.0.0/0", false: "::/0"}[net.ParseIP(via).To4() != nil])
			must(t, side.h.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Gw: net.ParseIP(via)}))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bindFile puts text in the place of a file of the machine, in this process's own
// view of the file system.
func bindFile(t *testing.T, path, text string) {
	t.Helper()
	f := t.TempDir() + "/file"
	must(t, os.WriteFile(f, []byte(text), 0o644))
	if err := unix.Mount(f, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mounting over %s: %v", path, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
}

// packetCounter counts what is sent over the outer interface to any address that
// is not private, whatever sends it.
type packetCounter struct {
	fd int

	mu sync.Mutex
	n  map[netip.Addr]int
}

// countPackets counts until the test ends. It reads from the kernel what leaves by
// the interface, before the other end has seen it.
func countPackets(t *testing.T) *packetCounter {
	t.Helper()
	link, err := netlink.LinkByName(outer)
	must(t, err)
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, all)
	must(t, err)
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50000}))
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Attrs().Index}))
	c := &packetCounter{fd: fd, n: map[netip.Addr]int{}}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if ll, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && ll.Pkttype == unix.PACKET_OUTGOING {
				c.add(buf[:n])
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil || stats.Drops != 0 {
			t.Errorf("the packet counter has missed packets: %+v %v", stats, err)
		}
		unix.Close(fd)
	})
	return c
}

// notOutside are the destinations that count as private; ff02::/16 is how the
// kernel finds its neighbours on the link.
var notOutside = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.250.0/24"), netip.MustParsePrefix("fd99::/64"), netip.MustParsePrefix("ff02::/16"),
}

func (c *packetCounter) add(packet []byte) {
	var to netip.Addr
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		to = netip.AddrFrom4([4]byte(packet[16:20]))
	case len(packet) >= 40 && packet[0]>>4 == 6:
		to = netip.AddrFrom16([16]byte(packet[24:40]))
		if packet[6] == unix.IPPROTO_ICMPV6 && to.IsLinkLocalUnicast() {
			return // neighbours again
		}
	default:
		return // ARP
	}
	for _, p := range notOutside {
		if p.Contains(to) {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[to]++
}

// to is how many packets went to an address.
func (c *packetCounter) to(a netip.Addr) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[a]
}

// all are the counts by address, and their sum.
func (c *packetCounter) all() (sum int, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.n {
		sum += n
	}
	return sum, fmt.Sprint(c.n)
}
