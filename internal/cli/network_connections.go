package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cloister-ai/cloister/internal/admin"
	"github.com/cloister-ai/cloister/internal/site"
)

func networkConnectionsCommand() *command {
	return &command{
		name: "connections", args: "list|approve|reject|remove", short: "decide what goes through private endpoints",
		long: `A private endpoint of network/ has a connection, and only an approved one lets
anything through. Its first state is what the document says: Pending for a
connection of manualPrivateLinkServiceConnections, else Approved. A decision is
about one endpoint with its service and its addresses: a document that changes
any of them begins with its own state again. It is in force within a second, in
every gateway on the same state, and cuts what is open.

` + doorText,
		subcommands: []*command{
			connectionsListCommand(),
			connectionActCommand(connectionAct{
				name: "approve", done: "approved", short: "let traffic through a private endpoint", role: "operator or approver",
				long: "From Pending or Rejected. What is reached by the endpoint is reached from now on.",
				call: (*admin.Client).ApproveConnection, then: "it lets traffic through",
			}),
			connectionActCommand(connectionAct{
				name: "reject", done: "rejected", short: "let no traffic through a private endpoint", role: "operator or approver",
				long: "From Pending or Approved. Open connections and streams through it are cut, and\nwhat would go through it gets what an unreachable backend gives.",
				call: (*admin.Client).RejectConnection, then: "it lets nothing through; cloister network connections approve opens it again",
			}),
			connectionActCommand(connectionAct{
				name: "remove", done: "removed", short: "disconnect a private endpoint for good", role: "operator",
				long: "From any state, to Disconnected. Open connections and streams through it are cut,\nand nothing leads back but a document that gives the endpoint another name,\nservice or address.",
				call: (*admin.Client).RemoveConnection, then: "it lets nothing through until its document changes",
			}),
		},
	}
}

func connectionsListCommand() *command {
	return &command{
		name: "list", args: doorArgs + " [--json]", short: "list private endpoints and their states",
		long: `Lists every private endpoint of the site, with the hosts that are reached by it,
its addresses, its subnet, the state of its connection, and who decided.

Role: reader.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister network connections list --dir site", "what goes through which endpoint"},
			{`cloister network connections list --json | jq 'map(select(.state == "Pending"))'`, "what waits for a decision"},
		},
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			d := opt.(*door)
			return d.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				list, err := c.Connections(ctx)
				switch {
				case err != nil:
					return err
				case d.json:
					return writeJSON(env.Stdout, list)
				}
				return writeConnections(env, list)
			})
		},
	}
}

func writeConnections(env *Env, list []admin.Connection) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "no private endpoints")
		return err
	}
	c, w := coloursFor(env.Stdout, env), &bytes.Buffer{}
	rows := [][]cell{{{"name", c.bold}, {"host", c.bold}, {"address", c.bold}, {"subnet", c.bold}, {"state", c.bold}, {"by", c.bold}, {"why", c.bold}}}
	for _, e := range list {
		by := e.By
		if by == "" {
			by = "the document"
		}
		rows = append(rows, []cell{
			{text: e.Name}, {text: strings.Join(e.Hosts, ", ")}, {text: addressList(e.Addresses)}, {text: e.Subnet},
			connectionCell(e.State, c), {text: by}, {text: e.Description},
		})
	}
	writeTable(w, c, rows)
	_, err := env.Stdout.Write(w.Bytes())
	return err
}

func addressList(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}

// connectionCell shows a state.
func connectionCell(state string, c colours) cell {
	switch state {
	case site.ConnectionApproved:
		return cell{text: state}
	case site.ConnectionPending:
		return cell{state, c.yellow}
	}
	return cell{state, c.red}
}

// connectionAct is one of the acts on a connection.
type connectionAct struct {
	name, done, short, long, then, role string
	call                                func(*admin.Client, context.Context, string, admin.DecideConnection) (admin.Connection, error)
}

type connectionOptions struct {
	door        *door
	description string
}

func connectionActCommand(a connectionAct) *command {
	return &command{
		name: a.name, args: doorArgs + " [--description TEXT] [--json] NAME", short: a.short, long: a.long + "\n\nRole: " + a.role + ".",
		flags: func(fs *flag.FlagSet) any {
			o := &connectionOptions{door: declareDoor(fs)}
			fs.StringVar(&o.description, "description", "", "`TEXT` that says why, for people; it stands in the list and on the audit log")
			return o
		},
		examples: []entry{{"cloister network connections " + a.name + " --dir site openai", a.done + " within a second, everywhere"}},
		failed:   "there is no such endpoint, its state does not allow it, or it was refused",
		min:      1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			o := opt.(*connectionOptions)
			return o.door.do(ctx, env, func(ctx context.Context, c *admin.Client) error {
				e, err := a.call(c, ctx, args[0], admin.DecideConnection{Description: o.description})
				if err != nil {
					return err
				}
				if o.door.json {
					return writeJSON(env.Stdout, e)
				}
				_, err = fmt.Fprintf(env.Stdout, "%s %s (%s): %s\n", a.done, printed(e.Name), printed(addressList(e.Addresses)), a.then)
				return err
			})
		},
	}
}
