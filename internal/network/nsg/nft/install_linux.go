package nft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/cloister-ai/cloister/internal/network/nsg"
)

// A batch is what the kernel is told at once. It acknowledges every message, and a
// socket without privileges holds a few hundred of its answers and some 100 KiB of
// what it is told.
const (
	batchMessages = 60
	batchElements = 400
)

// prefixText is how log lines begin: names of rules may be longer than the 127
// bytes that the kernel takes, so a number stands for them.
const prefixText = "nsg "

// Install puts the rules of the devices' points into the kernel, in the place of
// those of an earlier call with the same table. It returns what the numbers of
// events mean.
func Install(rules *nsg.Rules, devices []Device, opt Options) (*nsg.Ruleset, error) {
	opt.Table = cmp.Or(opt.Table, nsg.TextTable)
	c, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("opening netfilter: %w", err)
	}
	defer c.CloseLasting()
	var points []*nsg.Point
	for _, d := range devices {
		if len(d.Name) >= unix.IFNAMSIZ || d.Name == "" {
			return nil, fmt.Errorf("%q is no name of a device", d.Name)
		}
		points = append(points, d.Point)
	}
	before, unhung, err := tables(c, opt.Table)
	if err != nil {
		return nil, err
	}
	// What a process left half-built when it was killed was never in force.
	for _, t := range unhung {
		c.DelTable(t)
	}
	if err := c.Flush(); err != nil {
		return nil, fmt.Errorf("removing the table %s: %w", opt.Table, err)
	}
	table := &nftables.Table{Family: nftables.TableFamilyINet}
	for _, digit := range digits() {
		if !slices.ContainsFunc(before, func(t *nftables.Table) bool { return t.Name == opt.Table+digit }) {
			table.Name = opt.Table + digit
			break
		}
	}
	if table.Name == "" {
		return nil, fmt.Errorf("several tables %s are in force at once; mend: nft delete table inet %s%s", opt.Table, opt.Table, digits()[0])
	}
	b := &builder{c: c, t: c.AddTable(table), opt: opt, chains: map[string]*nftables.Chain{}}
	if len(points) > 0 {
		b.set = rules.Ruleset(points...)
	} else {
		b.set = &nsg.Ruleset{}
	}
	if err := b.build(rules, devices); err != nil {
		c.DelTable(table)
		_ = c.Flush() // it has no hooks: nothing holds by it
		return nil, err
	}
	b.hang()
	for _, t := range before {
		c.DelTable(t)
	}
	if err := c.Flush(); err != nil {
		return nil, fmt.Errorf("exchanging the table %s: %w", opt.Table, err)
	}
	return b.set, nil
}

// Remove takes the rules out of the kernel: after it nothing is denied by them.
func Remove(opt Options) error {
	opt.Table = cmp.Or(opt.Table, nsg.TextTable)
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("opening netfilter: %w", err)
	}
	hung, unhung, err := tables(c, opt.Table)
	if err != nil {
		return err
	}
	for _, t := range append(hung, unhung...) {
		c.DelTable(t)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("removing the table %s: %w", opt.Table, err)
	}
	return nil
}

// digits stand behind the name of a table, one for the rules that hold and one for
// those that come.
func digits() []string { return []string{"0", "1"} }

// tables are those of earlier calls: such as hold, and such as have no hooks.
func tables(c *nftables.Conn, name string) (hung, unhung []*nftables.Table, err error) {
	list, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, nil, fmt.Errorf("listing tables: %w", err)
	}
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, nil, fmt.Errorf("listing chains: %w", err)
	}
	for _, t := range list {
		digit, ok := strings.CutPrefix(t.Name, name)
		if !ok || !slices.Contains(digits(), digit) {
			continue
		}
		if slices.ContainsFunc(chains, func(c *nftables.Chain) bool { return c.Table.Name == t.Name && c.Hooknum != nil }) {
			hung = append(hung, t)
		} else {
			unhung = append(unhung, t)
		}
	}
	return hung, unhung, nil
}

// builder fills a table in batches.
type builder struct {
	c      *nftables.Conn
	t      *nftables.Table
	opt    Options
	set    *nsg.Ruleset
	chains map[string]*nftables.Chain
	// Of the batch so far.
	messages, elements int
	sets               int
}

func (b *builder) build(rules *nsg.Rules, devices []Device) error {
	for _, c := range b.set.Chains {
		b.chains[c.Name] = b.c.AddChain(&nftables.Chain{Name: c.Name, Table: b.t})
		b.messages++
		for i := range c.Statements {
			if err := b.statement(b.chains[c.Name], &c.Statements[i]); err != nil {
				return fmt.Errorf("chain %s: %w", c.Name, err)
			}
		}
	}
	// The chains of the hooks: what a flow is, then what leaves a point, then what
	// comes to one. What a point sends to the machine itself (names, metadata)
	// leaves the point all the same.
	forward, input := b.c.AddChain(&nftables.Chain{Name: chainForward, Table: b.t}), b.c.AddChain(&nftables.Chain{Name: chainInput, Table: b.t})
	for _, c := range []*nftables.Chain{forward, input} {
		if err := b.add(c, established()); err != nil {
			return err
		}
	}
	if err := b.unconnected(forward, rules, devices); err != nil {
		return err
	}
	for _, c := range []*nftables.Chain{forward, input} {
		for _, d := range devices {
			if err := b.add(c, append(device(expr.MetaKeyIIFNAME, d.Name), jump(b.set.From(d.Point)))); err != nil {
				return err
			}
		}
	}
	for _, d := range devices {
		if err := b.add(forward, append(device(expr.MetaKeyOIFNAME, d.Name), jump(b.set.To(d.Point)))); err != nil {
			return err
		}
	}
	return b.flush()
}

// The chains that the hooks jump to.
const (
	chainForward = "forward"
	chainInput   = "input"
)

// hang adds the hooks, a few messages that fit into the transaction that removes
// the table before. The kernel goes from one to the other at once: a hook that is
// registered earlier has no rules before that, and accepts.
func (b *builder) hang() {
	accept := nftables.ChainPolicyAccept
	for _, h := range []struct {
		at     *nftables.ChainHook
		target string
	}{{nftables.ChainHookForward, chainForward}, {nftables.ChainHookInput, chainInput}} {
		chain := b.c.AddChain(&nftables.Chain{
			Name: "hook_" + h.target, Table: b.t, Type: nftables.ChainTypeFilter, Hooknum: h.at, Priority: nftables.ChainPriorityFilter, Policy: &accept,
		})
		b.c.AddRule(&nftables.Rule{Table: b.t, Chain: chain, Exprs: []expr.Any{jump(h.target)}})
	}
}

// unconnected drops what goes between virtual networks that are not peered.
func (b *builder) unconnected(forward *nftables.Chain, rules *nsg.Rules, devices []Device) error {
	byNetwork := map[string][]Device{}
	var names []string
	for _, d := range devices {
		name := d.Point.Subnet.VirtualNetwork.Name
		if byNetwork[name] == nil {
			names = append(names, name)
		}
		byNetwork[name] = append(byNetwork[name], d)
	}
	for _, from := range names {
		for _, to := range names {
			if rules.Connected(byNetwork[from][0].Point, byNetwork[to][0].Point) {
				continue
			}
			e, err := b.devices(expr.MetaKeyIIFNAME, byNetwork[from])
			if err != nil {
				return err
			}
			out, err := b.devices(expr.MetaKeyOIFNAME, byNetwork[to])
			if err != nil {
				return err
			}
			e = append(append(e, out...), b.logged(b.set.NotPeered())...)
			if err := b.add(forward, append(e, &expr.Verdict{Kind: expr.VerdictDrop})); err != nil {
				return err
			}
		}
	}
	return nil
}

// add appends a rule to a chain.
func (b *builder) add(c *nftables.Chain, e []expr.Any) error {
	b.c.AddRule(&nftables.Rule{Table: b.t, Chain: c, Exprs: e})
	return b.count(1, 0)
}

// count notes what has come into the batch; one that is full is sent.
func (b *builder) count(messages, elements int) error {
	b.messages, b.elements = b.messages+messages, b.elements+elements
	if b.messages >= batchMessages || b.elements >= batchElements {
		return b.flush()
	}
	return nil
}

func (b *builder) flush() error {
	b.messages, b.elements = 0, 0
	if err := b.c.Flush(); err != nil {
		return fmt.Errorf("filling the table %s: %w", b.t.Name, err)
	}
	return nil
}

// statement appends a statement of the ruleset.
func (b *builder) statement(c *nftables.Chain, s *nsg.Statement) error {
	e, err := b.match(s)
	if err != nil {
		return err
	}
	if s.Entry >= 0 {
		e = append(append(e, &expr.Counter{}), b.logged(s.Entry)...)
	}
	switch s.Verdict {
	case nsg.Return:
		e = append(e, &expr.Verdict{Kind: expr.VerdictReturn})
	case nsg.Drop:
		e = append(e, &expr.Verdict{Kind: expr.VerdictDrop})
	case nsg.Jump:
		e = append(e, jump(s.Target))
	case nsg.Goto:
		e = append(e, &expr.Verdict{Kind: expr.VerdictGoto, Chain: s.Target})
	}
	return b.add(c, e)
}

func jump(target string) expr.Any { return &expr.Verdict{Kind: expr.VerdictJump, Chain: target} }

func (b *builder) logged(entry int) []expr.Any {
	if b.opt.Group == 0 {
		return nil
	}
	return []expr.Any{Logged(b.opt.Group, entry)}
}

// Logged is an expression that tells a group of a packet, for rules beside those
// of [Install]: an event with that number.
func Logged(group uint16, entry int) expr.Any {
	return &expr.Log{
		Key:   1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX | 1<<unix.NFTA_LOG_SNAPLEN,
		Group: group, Snaplen: snapLength, Data: fmt.Append(nil, prefixText, entry),
	}
}

func device(key expr.MetaKey, name string) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: deviceName(name)}}
}

func deviceName(name string) []byte {
	out := make([]byte, unix.IFNAMSIZ)
	copy(out, name)
	return out
}

func established() []expr.Any {
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictReturn},
	}
}
