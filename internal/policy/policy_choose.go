package policy

import (
	"context"
	"fmt"
)

func chooseEntry() entry {
	return entry{
		name: "choose", sections: everySection, scopes: everyScope,
		does: "if, else if, else",
		tier: tierA, page: page{
			intro: "Runs the policies of the first `when` whose condition is true, else those of `otherwise`.",
			example: `
<choose>
  <when condition="@(context.Request.Headers.GetValueOrDefault("X-Tenant", "") == "contoso")">
    <set-backend-service backend-id="openai-east" />
  </when>
  <otherwise>
    <return-response>
      <set-status code="403" reason="Forbidden" />
    </return-response>
  </otherwise>
</choose>`,
			behaviour: []string{
				"Conditions are evaluated in their order, and none after the first that is true.",
				"In `context.LastError` the path of a policy in a branch is that of the branch and its own: `choose[1]/when[2]/set-header[1]`.",
				"`<base />` cannot stand in a branch.",
				"A `cors` in a branch takes no part in answering preflights: no policies run for those.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "a condition throws, or is neither true nor false"}},
		},
		children: []child{
			{
				name: "when", required: true, many: true, expected: "policies", text: holdsPolicies,
				attributes: []attribute{{name: "condition", required: true, expected: "true or false", expression: true}},
			},
			{name: "otherwise", expected: "policies", text: holdsPolicies},
		},
		compile: compileChoose,
	}
}

type choose struct{ branches []branch }

// branch is a when, or the otherwise, whose condition is nil.
type branch struct {
	condition *boolValue
	steps     []step
	at        *place
}

func compileChoose(c *compiler, n *Node) statement {
	s := &choose{}
	counts := map[string]int{}
	for _, k := range n.Elements() {
		if k.Name != "when" && k.Name != "otherwise" {
			continue
		}
		counts[k.Name]++
		at := *c.at
		at.path, at.pos = fmt.Sprintf("%s/%s[%d]", c.at.path, k.Name, counts[k.Name]), k.Pos
		b := branch{at: &at}
		if k.Name == "when" {
			condition := c.boolAttribute(k, "condition", false)
			b.condition = &condition
		}
		b.steps = c.nested(k, at.path)
		s.branches = append(s.branches, b)
	}
	return s
}

func (s *choose) do(ctx context.Context, x *Exchange) (flow, *Error) {
	for i := range s.branches {
		b := &s.branches[i]
		if b.condition != nil {
			is, e := b.condition.is(ctx, x)
			if e != nil {
				e.place(b.at)
				return stop, e
			}
			if !is {
				continue
			}
		}
		x.say("branch", b.at.path)
		return run(ctx, x, b.steps)
	}
	return next, nil
}

func (s *choose) lists() (lists [][]step, oneOf bool) {
	for i := range s.branches {
		lists = append(lists, s.branches[i].steps)
	}
	return lists, true
}
