package nft

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/network/nsg"
)

// snapLength is how much of a packet is told: the headers.
const snapLength = 96

// NFLOG over netlink (linux/netfilter/nfnetlink_log.h).
const (
	logPacket = unix.NFNL_SUBSYS_ULOG << 8
	logConfig = unix.NFNL_SUBSYS_ULOG<<8 | 1

	configCommand   = 1
	configMode      = 2
	configThreshold = 5
	commandBind     = 1
	modePacket      = 2

	attributePayload = 9
	attributePrefix  = 10
)

// Watch tells every decision of a group, until the context ends. It listens in
// the network namespace of the calling thread once Watch has returned without an
// error; a group has one listener. Events that come faster than they are taken
// are lost, not waited for.
func Watch(ctx context.Context, group uint16, event func(Event)) error {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("opening the log of netfilter: %w", err)
	}
	set := func(attribute uint16, data ...byte) error {
		body, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: attribute, Data: data}})
		if err != nil {
			return err
		}
		head := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, 0}, group)
		_, err = c.Execute(netlink.Message{
			Header: netlink.Header{Type: logConfig, Flags: netlink.Request | netlink.Acknowledge}, Data: append(head, body...),
		})
		return err
	}
	err = errors.Join(
		set(configCommand, commandBind),
		set(configMode, 0, 0, 0, snapLength, modePacket, 0),
		// Without it messages wait for up to a second.
		set(configThreshold, 0, 0, 0, 1),
		c.SetReadBuffer(4<<20),
	)
	if err != nil {
		c.Close()
		return fmt.Errorf("listening to group %d of netfilter: %w", group, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	go func() {
		defer stop()
		defer c.Close()
		for ctx.Err() == nil {
			messages, err := c.Receive()
			switch {
			case errors.Is(err, unix.ENOBUFS):
				continue // some were lost
			case err != nil:
				return
			}
			for _, m := range messages {
				if e, ok := readEvent(m); ok {
					event(e)
				}
			}
		}
	}()
	return nil
}

// readEvent reads a message of the log; others are not ours.
func readEvent(m netlink.Message) (e Event, ok bool) {
	if m.Header.Type != logPacket || len(m.Data) < 4 {
		return e, false
	}
	attributes, err := netlink.UnmarshalAttributes(m.Data[4:])
	if err != nil {
		return e, false
	}
	for _, a := range attributes {
		switch a.Type {
		case attributePayload:
			readPacket(&e, a.Data)
		case attributePrefix:
			text := strings.TrimRight(string(a.Data), "\x00")
			if rest, ours := strings.CutPrefix(text, prefixText); ours {
				e.Entry, err = strconv.Atoi(rest)
				ok = err == nil
			}
		}
	}
	return e, ok
}

// readPacket reads the headers of a packet, as far as they are there.
func readPacket(e *Event, b []byte) {
	if len(b) == 0 {
		return
	}
	var rest []byte
	switch {
	case b[0]>>4 == 4 && len(b) >= 20:
		e.Packet.Protocol = nsg.Protocol(b[9])
		e.Packet.Source, e.Packet.Destination = addressOf(b[12:16]), addressOf(b[16:20])
		e.Length = int(binary.BigEndian.Uint16(b[2:]))
		if n := int(b[0]&15) * 4; n >= 20 && n <= len(b) {
			rest = b[n:]
		}
	case b[0]>>4 == 6 && len(b) >= 40:
		e.Packet.Source, e.Packet.Destination = addressOf(b[8:24]), addressOf(b[24:40])
		e.Length = int(binary.BigEndian.Uint16(b[4:])) + 40
		e.Packet.Protocol, rest = afterExtensions(b[6], b[40:])
	}
	if e.Packet.Protocol.HasPorts() && len(rest) >= 4 {
		e.Packet.SourcePort, e.Packet.DestinationPort = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
	}
}

// afterExtensions skips the extension headers of IPv6 that the kernel skips, a
// few at most.
func afterExtensions(next byte, b []byte) (nsg.Protocol, []byte) {
	for range 8 {
		switch next {
		case unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_DSTOPTS:
		default:
			return nsg.Protocol(next), b
		}
		if len(b) < 8 {
			break
		}
		n := 8 + 8*int(b[1])
		next = b[0]
		b = b[min(n, len(b)):]
	}
	return nsg.Protocol(next), nil
}
