package policy

func daprAttributes() []attribute {
	return []attribute{
		{name: "ignore-error", expected: "true or false", otherwise: "false", kind: valueKind{boolean: true}},
		{name: "response-variable-name", expected: "the name of a variable for the answer"},
		{name: "timeout", expected: "seconds, from 1 to 240", otherwise: "5", kind: valueKind{low: 1, high: 240}, expression: true},
		{name: "template", expected: "Liquid", kind: valueKind{words: []string{"Liquid"}}},
		{name: "content-type", expected: "application/json", kind: valueKind{words: []string{"application/json"}}},
	}
}

func publishToDaprEntry() entry {
	return entry{
		name: "publish-to-dapr", sections: inOnly, scopes: everyScope, connects: true,
		does: "a message to a Dapr topic", missing: needsDapr,
		instead: "call what listens to the topic with send-one-way-request, or send the message with log-to-eventhub",
		tier:    tierC, page: page{
			intro: "Sends a message to a topic of the Dapr runtime beside a self-hosted gateway.",
			example: `
<publish-to-dapr pubsub-name="orders" topic="new" response-variable-name="dapr" timeout="10">@(context.Request.Body.As<string>(preserveContent: true))</publish-to-dapr>`,
		},
		attributes: append([]attribute{
			{name: "pubsub-name", expected: "the name of a component; without it topic is component/topic", expression: true},
			{name: "topic", required: true, expected: "the name of the topic", expression: true},
		}, daprAttributes()...),
		text: hasText, expression: true,
	}
}
