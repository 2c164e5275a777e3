package nft

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/network/nsg/nsgtest"
)

// wires are devices in the namespace, a pair for each place of a network: packets
// are put into the far end, and come in by the near one.
type wires struct {
	socket int
	far    map[string]int // index of the far end, by place
	names  map[string]string
	places []nsgtest.Place
}

// outside is the place that has no point.
const outside = "outside"

func newWires(t *testing.T, places []nsgtest.Place) *wires {
	t.Helper()
	w := &wires{far: map[string]int{}, names: map[string]string{}, places: places}
	for name, value := range map[string]string{
		"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/accept_local": "1",
		"ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0",
		// Nobody says anything on a wire that the test has not put there.
		"ipv6/conf/default/addr_gen_mode": "1", "ipv6/conf/default/accept_dad": "0",
	} {
		sysctl(t, name, value)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
	for _, a := range []netip.Addr{nsg.HostAddress(), nsg.MetadataAddress()} {
		if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, 32))}); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range places {
		w.add(t, i, p.Name, p.Prefixes)
	}
	w.add(t, len(places), outside, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
	if w.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(w.socket) })
	return w
}

func sysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// add makes the pair of a place, and the routes to it.
func (w *wires) add(t *testing.T, i int, place string, prefixes []netip.Prefix) {
	t.Helper()
	near, far := fmt.Sprintf("near%d", i), fmt.Sprintf("far%d", i)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: near, HardwareAddr: nearAddress}, PeerName: far}
	if err := netlink.LinkAdd(veth); err != nil {
		t.Fatalf("making the device %s: %v", near, err)
	}
	peer, err := netlink.LinkByName(far)
	if err != nil {
		t.Fatal(err)
	}
	sysctl(t, "ipv6/conf/"+far+"/disable_ipv6", "1")
	for _, l := range []netlink.Link{veth, peer} {
		if err := netlink.LinkSetARPOff(l); err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(l); err != nil {
			t.Fatal(err)
		}
	}
	w.far[place], w.names[place] = peer.Attrs().Index, near
	for _, p := range prefixes {
		route := &netlink.Route{LinkIndex: veth.Attrs().Index, Dst: ipNet(p), Scope: netlink.SCOPE_LINK}
		if err := netlink.RouteAdd(route); err != nil {
			t.Fatalf("the route to %s: %v", p, err)
		}
	}
}

var nearAddress = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// devices attaches the places to the points of a network.
func (w *wires) devices(rules *nsg.Rules, places []nsgtest.Place) (out []Device) {
	for _, p := range places {
		out = append(out, Device{Name: w.names[p.Name], Point: rules.At(p.Address)})
	}
	return out
}

// placeOf is the place that has an address: the longest prefix.
func (w *wires) placeOf(a netip.Addr) string {
	name, bits := outside, -1
	for _, p := range w.places {
		for _, pre := range p.Prefixes {
			if pre.Contains(a) && pre.Bits() > bits {
				name, bits = p.Name, pre.Bits()
			}
		}
	}
	return name
}

// send puts a packet into the wire of its source.
func (w *wires) send(t *testing.T, p nsg.Packet) {
	t.Helper()
	frame := append(append([]byte{}, nearAddress...), 2, 0, 0, 0, 0, 2)
	if p.Source.Is4() {
		frame = append(binary.BigEndian.AppendUint16(frame, unix.ETH_P_IP), Packet(p)...)
	} else {
		frame = append(binary.BigEndian.AppendUint16(frame, unix.ETH_P_IPV6), Packet(p)...)
	}
	to := &unix.SockaddrLinklayer{Ifindex: w.far[w.placeOf(p.Source)], Halen: 6}
	copy(to.Addr[:], nearAddress)
	if err := unix.Sendto(w.socket, frame, 0, to); err != nil {
		t.Fatal(err)
	}
}
