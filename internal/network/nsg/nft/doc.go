// Package nft puts compiled security rules into the kernel of a Linux machine
// through which the packets of a network pass, and reads there which rule decided.
//
// It guarantees that the kernel's answer to a packet is that of package nsg for
// its addresses, protocol and ports, first the outbound rules of where it comes
// from, then the inbound rules of where it goes; that packets of a flow that was
// let through pass; and that rules are exchanged whole: a table is built without
// hooks, then one transaction hangs it up and removes the one before. Until then
// the old rules hold. A rule that is taken away does not end a flow, as in Azure.
//
// It needs CAP_NET_ADMIN in the network namespace of the calling thread, which a
// user namespace gives. Who may send from which address, and routes, are for
// whoever made the devices. Two things the kernel sees otherwise: AH in IPv6 is a
// header extension to it, so that a rule for AH does not match there; and a packet
// without a whole transport header has no ports.
//
// It fails closed, as far as it can: an error leaves the rules before it in
// force, and where there were none, none; a device that is not attached to a
// point is outside, and is asked nothing.
package nft

import (
	"github.com/cloister-ai/cloister/internal/network/nsg"
)

// Device is where a point of the network hangs: what comes in by the device comes
// from the point, and what goes out by it goes to the point.
type Device struct {
	Name  string
	Point *nsg.Point
}

// Options say how rules are put into the kernel. The zero value is good.
type Options struct {
	// Table is the name of the table, with a digit behind it; default
	// "cloister-nsg".
	Table string
	// Group is the NFLOG group in which decisions are told; 0: they are not.
	Group uint16
}

// Event is one decision that the kernel has made.
type Event struct {
	// Entry is the number of what decided, in [nsg.Ruleset.Entries].
	Entry  int
	Packet nsg.Packet
	// Length of the packet in bytes.
	Length int
}
