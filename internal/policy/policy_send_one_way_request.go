package policy

import "context"

func sendOneWayRequestEntry() entry {
	return entry{
		name: "send-one-way-request", sections: everySection, scopes: everyScope, connects: true,
		does: "a call whose answer nobody waits for",
		tier: tierA, page: page{
			intro: "Sends a request of its own and goes on at once.",
			example: `
<!-- outbound -->
<choose>
  <when condition="@(context.Response.StatusCode >= 500)">
    <send-one-way-request mode="new" timeout="20">
      <set-url>https://alerts.contoso.example/hooks/gateway</set-url>
      <set-method>POST</set-method>
      <set-body>@(new JObject(new JProperty("status", context.Response.StatusCode)).ToString())</set-body>
    </send-one-way-request>
  </when>
</choose>`,
			behaviour: append(callBehaviour(),
				"The request is built at once and sent in the background: 16 at a time, and 1,000 requests or 32 MiB may wait. Beyond that it is dropped, with a note in the record. Nothing is sent twice.",
				"What goes wrong with the call itself is counted and logged, and no error for the caller.",
				"When the gateway stops, what waits is sent for as long as the last records are, 5 seconds at most; what is left then is dropped, counted and logged.",
			),
			differences: callDifferences(),
			errors: []errorLine{
				{"BackendCredentialTravels", "the request carries a credential for another host: 403"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used"},
			},
		},
		attributes: []attribute{
			{name: "mode", expected: listed(callModes()), otherwise: modeNew, expression: true},
			{name: "timeout", expected: "seconds, from 1 to 3600", otherwise: "60", expression: true},
		},
		children: callChildren(),
		compile: func(c *compiler, n *Node) statement {
			return &sendOneWayRequest{c.compileCall(n)}
		},
	}
}

type sendOneWayRequest struct{ callMessage }

func (s *sendOneWayRequest) do(ctx context.Context, x *Exchange) (flow, *Error) {
	r, failure, e := s.make(ctx, x)
	switch {
	case e != nil:
		return stop, e
	case failure != nil:
		x.Note(x.at.String() + ": " + failure.Reason + ": " + failure.Message)
	case x.Services == nil || x.Services.Calls == nil || !x.Services.Calls.Later(r):
		x.Note(x.at.String() + ": the request to " + hostOf(r.URL) + " was dropped: too many wait to be sent")
	default:
		x.say("call", r.Method+" "+hostOf(r.URL)+", in the background")
	}
	return next, nil
}
