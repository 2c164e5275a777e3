package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// faultTable holds what is lost on purpose, in front of all other rules: what is
// established is lost as well.
const faultTable = "cloister-lab-faults"

// lossModulus is the period of losses, in packets.
const lossModulus = 1000

// maxFaults bounds what is broken at once.
const maxFaults = 4096

// breakIt puts faults in the place of those before.
func (f *fabric) breakIt(p *Plan, faults []Fault) error {
	f.faulty.Lock()
	defer f.faulty.Unlock()
	if len(faults) > maxFaults {
		return fmt.Errorf("%d faults at once; there may be %d", len(faults), maxFaults)
	}
	if err := f.lose(p, faults); err != nil {
		return fmt.Errorf("losing packets: %w", err)
	}
	rates := map[string]uint64{}
	for _, x := range faults {
		if x.BitsPerSecond > 0 {
			rates[x.From] = x.BitsPerSecond
		}
	}
	for _, h := range p.Hosts {
		if err := f.limit(h, rates[h.Name]); err != nil {
			return fmt.Errorf("limiting the rate of %s: %w", h.Name, err)
		}
	}
	return nil
}

// lose exchanges the table in one transaction, so that a change of one fault is
// no moment without the others.
func (f *fabric) lose(p *Plan, faults []Fault) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: faultTable}
	c.AddTable(table) // it has to be there to be removed
	c.DelTable(table)
	g := &guard{c: c, p: p, t: c.AddTable(table)}
	forward := g.chain("between", nftables.ChainHookForward, -20, nftables.ChainPolicyAccept)
	from := g.chain("from", nftables.ChainHookPrerouting, -320, nftables.ChainPolicyAccept)
	to := g.chain("to", nftables.ChainHookPostrouting, 320, nftables.ChainPolicyAccept)
	for _, x := range faults {
		if x.Loss <= 0 {
			continue
		}
		chain := forward
		var match []expr.Any
		if x.From != "" {
			h, err := p.Find(x.From)
			if err != nil {
				return err
			}
			chain, match = from, isDevice(expr.MetaKeyIIFNAME, expr.CmpOpEq, h.Device)
		}
		if x.To != "" {
			h, err := p.Find(x.To)
			if err != nil {
				return err
			}
			if chain = forward; x.From == "" {
				chain = to
			}
			match = append(match, isDevice(expr.MetaKeyOIFNAME, expr.CmpOpEq, h.Device)...)
		}
		some, err := g.some(x)
		if err != nil {
			return err
		}
		g.rule(chain, match, some, verdict(expr.VerdictDrop))
	}
	return c.Flush()
}

// some matches a share of the packets: of every thousand the same, which the seed
// chooses.
func (g *guard) some(x Fault) ([]expr.Any, error) {
	n := int(x.Loss*lossModulus + 0.5)
	if n >= lossModulus {
		return nil, nil
	}
	set := &nftables.Set{Table: g.t, Anonymous: true, Constant: true, KeyType: nftables.TypeInteger}
	var elements []nftables.SetElement
	for _, k := range rand.New(rand.NewPCG(x.Seed, 0)).Perm(lossModulus)[:max(n, 1)] {
		elements = append(elements, nftables.SetElement{Key: binaryutil.NativeEndian.PutUint32(uint32(k))})
	}
	if err := g.c.AddSet(set, elements); err != nil {
		return nil, err
	}
	return []expr.Any{
		&expr.Numgen{Register: 1, Modulus: lossModulus, Type: unix.NFT_NG_INCREMENTAL},
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
	}, nil
}

// limit bounds what a host sends; 0: it does not.
func (f *fabric) limit(h *Host, bitsPerSecond uint64) error {
	there, err := netlink.NewHandleAt(netns.NsHandle(f.hosts[h.Name]))
	if err != nil {
		return err
	}
	defer there.Close()
	nic, err := there.LinkByName("eth0")
	if err != nil {
		return err
	}
	const burst = 16 << 10
	attrs := netlink.QdiscAttrs{LinkIndex: nic.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	if bitsPerSecond == 0 {
		err := there.QdiscDel(&netlink.Tbf{QdiscAttrs: attrs})
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
			return nil // there was none
		}
		return err
	}
	rate := max(bitsPerSecond/8, 1)
	return there.QdiscReplace(&netlink.Tbf{QdiscAttrs: attrs, Rate: rate, Limit: 64 << 10, Buffer: netlink.Xmittime(rate, burst)})
}
