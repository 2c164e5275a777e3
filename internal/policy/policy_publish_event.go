package policy

func publishEventEntry() entry {
	return entry{
		name: "publish-event", scopes: everyScope,
		does: "an event to GraphQL subscriptions", missing: needsResolver,
		instead: "let the callers ask again, or stream with server-sent events",
		tier:    tierC, page: page{
			intro: "Tells the subscribers of a GraphQL schema that something happened. It stands in the answer of a resolver.",
			example: `
<!-- resolver -->
<publish-event>
  <targets>
    <graphql-subscription id="onUserCreated" />
  </targets>
</publish-event>`,
		},
		children: []child{{name: "targets", required: true, expected: "who is told", children: []child{
			{name: "graphql-subscription", required: true, many: true, expected: "a subscription", attributes: []attribute{
				{name: "id", expected: "the name of a subscription of the schema"},
			}},
		}}},
	}
}
