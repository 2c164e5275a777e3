package policy

func sendServiceBusMessageEntry() entry {
	return entry{
		name: "send-service-bus-message", sections: inOutErr, scopes: everyScope, connects: true,
		does: "a message to Service Bus", missing: "needs a client of Service Bus, which is not built",
		instead: "send the message with log-to-eventhub, or post it to the queue's REST address with send-one-way-request",
		tier:    tierC, page: page{
			intro: "Sends a message to a queue or a topic of Azure Service Bus.",
			example: `
<send-service-bus-message queue-name="orders" namespace="example.servicebus.windows.net">
  <message-properties>
    <message-property name="customer">@(context.Subscription.Name)</message-property>
  </message-properties>
  <payload>@(context.Request.Body.As<string>(preserveContent: true))</payload>
</send-service-bus-message>`,
			behaviour: []string{"One of `queue-name` and `topic-name` is given."},
		},
		attributes: []attribute{
			{name: "queue-name", expected: "the name of the queue", expression: true},
			{name: "topic-name", expected: "the name of the topic", expression: true},
			{name: "namespace", expected: "the host name of the namespace", expression: true},
			{name: "client-id", expected: "the client id of a managed identity", otherwise: "the system's", expression: true},
		},
		children: []child{
			{name: "message-properties", expected: "properties of the message", children: []child{
				{
					name: "message-property", many: true, expected: "a value", text: hasText, expression: true,
					attributes: []attribute{{name: "name", required: true, expected: "its name", expression: true}},
				},
			}},
			{name: "payload", required: true, expected: "the message", text: hasText, expression: true},
		},
	}
}
