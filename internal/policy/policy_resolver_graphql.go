package policy

func graphQLDataSourceEntry() entry {
	return entry{
		name: "graphql-data-source", scopes: everyScope,
		does: "GraphQL in a GraphQL resolver", missing: needsResolver, instead: insteadOfResolver,
		tier: tierC, page: page{
			intro:   "Resolves a field of a GraphQL schema with a call to another GraphQL service. API Management's schemas know it; its reference has no page for it, so what stands in it is not looked at.",
			example: "<!-- resolver -->\n<graphql-data-source />",
		},
		text: opaque,
	}
}
