package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/network/nsg"
	"github.com/cloister-ai/cloister/internal/site"
)

type networkExplainOptions struct {
	dir, from, to, protocol string
	json                    bool
}

func networkExplainCommand() *command {
	return &command{
		name: "explain", args: "[--dir SITE] --from A --to B:PORT [--protocol PROTOCOL] [--json]", short: "say which security rule allows or denies a flow",
		long: `Says for every network security group on the way from A to B which rule decides,
and why the rules before it do not match: out of A by the group of its network
interface, then of its subnet; into B by that of its subnet, then of its
interface. All must allow.

A and B are subnets (NAME or NETWORK/NAME), network interfaces, private
endpoints, addresses, or "internet"; subnet:NAME, nic:NAME and endpoint:NAME
tell apart what has one name. IPv6 addresses with a port stand in brackets. A
subnet and the internet are tried with an address that nobody has; where rules
tell their addresses apart, it says for which the answer is another.

The source port is not known before a connection is open: a rule that allows
has to hold for every port from 1024 on, one that denies for any of them.

It reads the documents in SITE/network, as check and serve do. Nothing is sent.`,
		flags: func(fs *flag.FlagSet) any {
			o := &networkExplainOptions{}
			fs.StringVar(&o.dir, "dir", ".", "the directory of the `SITE`")
			fs.StringVar(&o.from, "from", "", "`A`, where the flow begins")
			fs.StringVar(&o.to, "to", "", "`B:PORT`, where it goes; B alone for protocols without ports")
			fs.StringVar(&o.protocol, "protocol", "tcp", "the `PROTOCOL`: tcp, udp, icmp, esp or ah")
			fs.BoolVar(&o.json, "json", false, "print the explanation as JSON")
			return o
		},
		examples: []entry{
			{"cloister network explain --dir site --from app --to gateway:443", "may the applications reach the gateway, and by which rule?"},
			{"cloister network explain --dir site --from gateway --to internet:443", "may the gateway reach the outside?"},
			{"cloister network explain --dir site --from app --to 10.0.2.4:443 --json | jq .allow", "for a program"},
		},
		files:  []entry{{"SITE/network", "security groups, virtual networks, interfaces and private endpoints"}},
		failed: "the flow is denied, or the site has errors",
		run:    runNetworkExplain,
	}
}

func runNetworkExplain(_ context.Context, env *Env, opt any, _ []string) error {
	o := opt.(*networkExplainOptions)
	protocol, err := protocolNamed(o.protocol)
	if err != nil {
		return err
	}
	if o.from == "" || o.to == "" {
		return &usageError{"--from and --to are needed"}
	}
	to, port, err := splitEnd(o.to, protocol)
	if err != nil {
		return err
	}
	rules, err := networkRules(env, o.dir)
	if err != nil {
		return err
	}
	x, err := explainFlow(rules, o.from, to, port, protocol)
	if err != nil {
		return err
	}
	if o.json {
		err = writeJSON(env.Stdout, x)
	} else {
		_, err = io.WriteString(env.Stdout, printedLines(x.Text()))
	}
	if err == nil && !x.Allow {
		err = errSilent
	}
	return err
}

func explainFlow(rules *nsg.Rules, from, to string, port uint16, protocol nsg.Protocol) (*nsg.Explanation, error) {
	a, err := rules.Resolve(from)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	b, err := rules.Resolve(to)
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	return rules.Explain(a, b, port, protocol)
}

func protocolNamed(name string) (nsg.Protocol, error) {
	var names []string
	for _, p := range []nsg.Protocol{nsg.TCP, nsg.UDP, nsg.ICMP, nsg.ESP, nsg.AH} {
		if strings.EqualFold(p.String(), name) {
			return p, nil
		}
		names = append(names, p.String())
	}
	return 0, &usageError{fmt.Sprintf("--protocol is one of %s, not %q", strings.Join(names, ", "), name)}
}

// splitEnd takes the port from B:PORT; protocols without ports have none.
func splitEnd(text string, protocol nsg.Protocol) (end string, port uint16, err error) {
	host, after := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		// An IPv6 address without brackets has no port.
		if before := text[:i]; strings.Count(before, ":") < 2 || strings.HasPrefix(before, "[") {
			host, after = before, text[i+1:]
		}
	}
	switch {
	case !protocol.HasPorts() && strings.Trim(after, "0123456789") != "":
		return text, 0, nil // nic:NAME
	case !protocol.HasPorts() && after != "":
		return "", 0, &usageError{fmt.Sprintf("--to: %s has no ports", protocol)}
	case protocol.HasPorts():
		n, err := strconv.ParseUint(after, 10, 16)
		if err != nil || n == 0 {
			return "", 0, &usageError{fmt.Sprintf("--to is B:PORT with a port from 1 to 65535, not %q", text)}
		}
		port = uint16(n)
	}
	return strings.Trim(host, "[]"), port, nil
}

// networkRules are the security rules of the site in dir.
func networkRules(env *Env, dir string) (*nsg.Rules, error) {
	if err := isSite(dir); err != nil {
		return nil, err
	}
	s, problems := site.Load(dir)
	if s == nil {
		return nil, refusedSite(env, problems)
	}
	rules, problems := nsg.Compile(s.Network)
	if rules == nil {
		return nil, refusedSite(env, problems)
	}
	if len(s.Network.VirtualNetworks) == 0 {
		return nil, mended(errors.New("the site describes no network"), "describe it in %s/network; docs/network-folder.md says how", dir)
	}
	return rules, nil
}
