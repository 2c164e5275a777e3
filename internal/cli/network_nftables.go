package cli

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/cloister-ai/cloister/internal/network/nsg"
)

type networkNftablesOptions struct{ dir, subnet, nic string }

func networkNftablesCommand() *command {
	return &command{
		name: "nftables", args: "[--dir SITE] --subnet NAME | --nic NAME", short: "print the security rules of a subnet for nft(8)",
		long: `Prints the network security groups that hold in a subnet, or for a network
interface in it, as a ruleset for nft(8) on a host that stands there: what may
come in and what may go out. The rules are those that the gateway enforces by
itself; this is for the hosts beside it.

The ruleset has a table of its own, cloister-nsg, and replaces the one of an
earlier call; other tables are not touched. It leaves loopback alone, flows that
were let through, neighbour discovery and DHCP. What it denies is dropped.`,
		flags: func(fs *flag.FlagSet) any {
			o := &networkNftablesOptions{}
			fs.StringVar(&o.dir, "dir", ".", "the directory of the `SITE`")
			fs.StringVar(&o.subnet, "subnet", "", "the subnet by `NAME`, or NETWORK/NAME")
			fs.StringVar(&o.nic, "nic", "", "the network interface by `NAME`")
			return o
		},
		examples: []entry{
			{"cloister network nftables --dir site --subnet app | ssh root@app1 nft -f -", "the subnet's rules on a host of it"},
			{"cloister network nftables --dir site --nic gateway >gateway.nft", "with the rules of an interface"},
		},
		files: []entry{{"SITE/network", "security groups, virtual networks, interfaces and private endpoints"}},
		run:   runNetworkNftables,
	}
}

func runNetworkNftables(_ context.Context, env *Env, opt any, _ []string) error {
	o := opt.(*networkNftablesOptions)
	if (o.subnet == "") == (o.nic == "") {
		return &usageError{"give --subnet or --nic"}
	}
	rules, err := networkRules(env, o.dir)
	if err != nil {
		return err
	}
	kind, name := nsg.KindSubnet, o.subnet
	if name == "" {
		kind, name = nsg.KindInterface, o.nic
	}
	end, err := rules.Resolve(kind + ":" + name)
	if err != nil {
		return fmt.Errorf("--%s: %w", kind, err)
	}
	_, err = io.WriteString(env.Stdout, rules.HostText(end.Point()))
	return err
}
