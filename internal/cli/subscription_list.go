package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/cloister-ai/cloister/internal/admin"
)

func subscriptionListCommand() *command {
	return &command{
		name: "list", args: doorArgs + " [--json]", short: "list every subscription",
		long: `Lists every subscription, without keys: those that were made here ("state"),
those that the site declares ("site"), and those of both.

Role: reader.`,
		flags: func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{
			{"cloister subscription list --dir site", "who may call"},
			{`cloister subscription list --json | jq -r '.[] | select(.state != "active") | .name'`, "who is shut out"},
		},
		run: func(ctx context.Context, env *Env, opt any, _ []string) error {
			d := opt.(*door)
			return d.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				list, err := c.Subscriptions(ctx)
				switch {
				case err != nil:
					return err
				case d.json:
					return writeJSON(env.Stdout, list)
				}
				return writeSubscriptions(env, list)
			})
		},
	}
}

func writeSubscriptions(env *Env, list []admin.Subscription) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "no subscriptions")
		return err
	}
	c, w := coloursFor(env.Stdout, env), &bytes.Buffer{}
	rows := [][]cell{{{"name", c.bold}, {"scope", c.bold}, {"state", c.bold}, {"keys", c.bold}, {"from", c.bold}, {"made", c.bold}}}
	for _, s := range list {
		rows = append(rows, []cell{
			{text: s.Name}, {text: s.Scope}, stateCell(s, c), {text: keysOf(s)}, {text: s.Source}, {text: day(s.Created)},
		})
	}
	writeTable(w, c, rows)
	_, err := env.Stdout.Write(w.Bytes())
	return err
}

func stateCell(s admin.Subscription, c colours) cell {
	if s.State == "active" {
		return cell{text: s.State}
	}
	return cell{s.State, c.yellow}
}

// keysOf says which keys there are.
func keysOf(s admin.Subscription) string {
	switch {
	case s.PrimaryKey && s.SecondaryKey:
		return "both"
	case s.PrimaryKey:
		return "primary"
	case s.SecondaryKey:
		return "secondary"
	}
	return "none"
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func subscriptionShowCommand() *command {
	return &command{
		name: "show", args: doorArgs + " [--json] NAME", short: "show a subscription without its keys",
		long:     "Role: reader.",
		flags:    func(fs *flag.FlagSet) any { return declareDoor(fs) },
		examples: []entry{{"cloister subscription show --dir site team-a", "its scope, its state, and when it last changed"}},
		failed:   "there is no such subscription, or it was refused",
		min:      1, max: 1,
		run: func(ctx context.Context, env *Env, opt any, args []string) error {
			d := opt.(*door)
			return d.look(ctx, env, func(ctx context.Context, c *admin.Client) error {
				s, err := c.Subscription(ctx, args[0])
				switch {
				case err != nil:
					return err
				case d.json:
					return writeJSON(env.Stdout, s)
				}
				return writeSubscription(env, s)
			})
		},
	}
}

func writeSubscription(env *Env, s admin.Subscription) error {
	c, w := coloursFor(env.Stdout, env), &bytes.Buffer{}
	rows := [][]cell{
		{{"name", c.dim}, {text: s.Name}},
		{{"display name", c.dim}, {text: s.DisplayName}},
		{{"scope", c.dim}, {text: s.Scope}},
		{{"state", c.dim}, stateCell(s, c)},
		{{"keys", c.dim}, {text: keysOf(s)}},
		{{"from", c.dim}, {text: s.Source}},
		{{"made", c.dim}, {text: moment(s.Created)}},
		{{"changed", c.dim}, {text: moment(s.Updated)}},
	}
	writeTable(w, c, withValues(rows))
	_, err := env.Stdout.Write(w.Bytes())
	return err
}

// withValues leaves out rows without a value.
func withValues(rows [][]cell) [][]cell {
	out := rows[:0]
	for _, r := range rows {
		if r[1].text != "" {
			out = append(out, r)
		}
	}
	return out
}

// moment is a time for people; empty where there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
