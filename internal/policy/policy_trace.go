package policy

import (
	"context"
	"strings"
)

func traceEntry() entry {
	return entry{
		name: "trace", sections: inOutBack, tolerated: 1 << onError, scopes: everyScope,
		does: "a line in the trace",
		tier: tierA, page: page{
			intro: "Writes a message of one's own, with a severity and metadata.",
			example: `
<trace source="orders" severity="information">
  <message>@("tenant " + context.Request.Headers.GetValueOrDefault("X-Tenant", "none"))</message>
  <metadata name="operation" value="@(context.Operation.Id)" />
</trace>`,
			behaviour: []string{
				"The message stands in the trace of the request at every severity. From `information` on it stands in the gateway's log too, with its metadata, and its source and severity in the span of the request. The message itself does not leave the gateway, since it may hold a prompt.",
				"The order of severities is `verbose`, `information`, `error`.",
				"The message is an element `message`, or, as older documents have it, the text of the policy.",
				"In the place of the caller's credentials, of those that the gateway holds or policies fetch, and of secret named values stands `***`, whichever policy has read them and in their usual encodings. Parts of secrets, other encodings and what nobody can tell to be a credential are not found: see [what is masked](../policies.md#what-is-masked).",
				"In the log a message is cut after 1 KiB, 16 of them are kept for a request, and each has 8 pairs of metadata.",
				"`trace` runs in on-error as well, which the reference does not name and public documents do; there is a warning.",
			},
			differences: []string{
				"API Management sends messages to Application Insights and to the resource log; here they stand in the gateway's log and on the request's span, see [telemetry](../telemetry.md).",
				"API Management no longer listens to `Ocp-Apim-Trace`. A contributor asks its management API for a token of an hour for one API (`listDebugCredentials`), the caller sends it as `Apim-Debug-Authorization`, the answer has `Apim-Trace-Id`, and `listTrace` gives the trace; before, `Ocp-Apim-Trace-Location` was an address that whoever knew it could read. Here the site says whose requests may be traced, `Ocp-Apim-Trace: true` asks, the answer has `Ocp-Apim-Trace-Id`, which opens nothing, and the operator's door gives the trace to the role `auditor`: no credential for tracing is made, passed on or lost, and a reload takes the permission back. `Apim-Debug-Authorization` means nothing here and is taken off.",
				"In the trace, `elapsed` is the time since the request was received until an entry began, as the reference says; `data.duration` is how long a policy took. The texts of policies stand in `data.messages`, their failures in `data.error`. A backend's request and answer stand in the entry of `forward-request`. URLs have no query, and credentials are masked, which API Management's traces show.",
			},
			errors: []errorLine{{"ExpressionValueEvaluationFailure", "an expression throws"}},
		},
		attributes: []attribute{
			{name: "source", required: true, expected: "text", expression: true},
			{name: "severity", expected: listed(severities()), otherwise: verbose, expression: true},
		},
		children: []child{
			{name: "message", expected: "text", text: hasText, expression: true},
			{name: "metadata", many: true, expected: "a pair", attributes: []attribute{
				{name: "name", required: true, expected: "text", expression: true},
				{name: "value", required: true, expected: "text", expression: true},
			}},
		},
		text: hasText, expression: true,
		compile: compileTrace,
	}
}

// verbose is the severity of messages that only traces show.
const verbose = "verbose"

func severities() []string { return []string{verbose, "information", "error"} }

// Message is what a trace policy says.
type Message struct {
	Source, Severity, Text string
	// Metadata are names and values in turn.
	Metadata []string
}

type tracePolicy struct {
	source, message textValue
	severity        choiceValue
	metadata        []textValue // names and values in turn
}

func compileTrace(c *compiler, n *Node) statement {
	s := &tracePolicy{severity: c.choiceAttribute(n, "severity", verbose, severities()...)}
	s.source, _ = c.textAttribute(n, "source")
	said := false
	for _, k := range n.Elements() {
		switch k.Name {
		case "message":
			s.message, _ = c.textContent(k)
			said = true
		case "metadata":
			name, _ := c.textAttribute(k, "name")
			value, _ := c.textAttribute(k, "value")
			s.metadata = append(s.metadata, name, value)
		}
	}
	if hasWords(n) {
		if said {
			c.strict(n.Pos, "stray-text", "an element", "move it into <message>", "text stands beside the message of %q", n.Name)
		} else {
			s.message, _ = c.textContent(n)
		}
	} else if !said {
		c.strict(n.Pos, "missing-element", "<message>", "", "%q needs the element %q", n.Name, "message")
	}
	return s
}

func (s *tracePolicy) do(ctx context.Context, x *Exchange) (flow, *Error) {
	m := Message{}
	var e *Error
	if m.Source, e = s.source.text(ctx, x); e != nil {
		return stop, e
	}
	if m.Severity, e = s.severity.word(ctx, x); e != nil {
		return stop, e
	}
	if m.Text, e = s.message.text(ctx, x); e != nil {
		return stop, e
	}
	for i := range s.metadata {
		text, e := s.metadata[i].text(ctx, x)
		if e != nil {
			return stop, e
		}
		if s.metadata[i].secret {
			text = masked
		}
		m.Metadata = append(m.Metadata, text)
	}
	if s.message.secret {
		m.Text = masked
	}
	if s.source.secret {
		m.Source = masked
	}
	if x.Observer != nil {
		x.say(m.Source, m.Severity+": "+m.Text)
		for i := 0; i+1 < len(m.Metadata); i += 2 {
			x.say(strings.TrimSpace(m.Metadata[i]), m.Metadata[i+1])
		}
	}
	if x.Message != nil && m.Severity != verbose {
		for i := range m.Metadata {
			m.Metadata[i] = x.Masked(m.Metadata[i])
		}
		m.Source, m.Text = x.Masked(m.Source), x.Masked(m.Text)
		x.Message(m)
	}
	return next, nil
}
