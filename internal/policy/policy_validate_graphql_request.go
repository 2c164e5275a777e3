package policy

func validateGraphQLRequestEntry() entry {
	return entry{
		name: "validate-graphql-request", sections: inOnly, scopes: notOperation,
		does:    "GraphQL requests",
		missing: "needs the GraphQL schema of the API, and GraphQL APIs are not read", instead: withoutCheck,
		tier: tierC, page: page{
			intro: "Checks a GraphQL request against the API's schema, its size and depth, and who may use which fields.",
			example: `
<validate-graphql-request error-variable-name="errors" max-size="102400" max-depth="4">
  <authorize>
    <rule path="/__*" action="reject" />
    <rule path="/Missions/name" action="@(context.Request.Headers.ContainsKey("X-Admin") ? "allow" : "remove")" />
  </authorize>
</validate-graphql-request>`,
		},
		attributes: []attribute{
			{name: "error-variable-name", expected: "the name of a variable"},
			{name: "max-size", required: true, expected: "bytes of the body", kind: valueKind{low: 0, high: 1<<31 - 1}, expression: true},
			{name: "max-depth", expected: "levels of a query", otherwise: "6", kind: valueKind{low: 1, high: 1<<31 - 1}, expression: true},
		},
		children: []child{{name: "authorize", expected: "rules", children: []child{
			{name: "rule", many: true, expected: "what may be asked for", attributes: []attribute{
				{name: "path", required: true, expected: "/type/field, or /__* for introspection", expression: true},
				{
					name: "action", expected: "allow, remove, reject or ignore", otherwise: "allow", expression: true,
					kind: valueKind{words: []string{"allow", "remove", "reject", "ignore"}},
				},
			}},
		}}},
	}
}
