package policy

func cosmosDBDataSourceEntry() entry {
	liquid := []attribute{{name: "template", expected: "liquid", kind: valueKind{words: []string{"liquid"}}}}
	id := child{name: "id", expected: "the id of an item", text: hasText, expression: true, attributes: liquid}
	key := child{name: "partition-key", expected: "the partition of the item", text: hasText, expression: true, attributes: []attribute{
		{
			name: "data-type", expected: "string, number, bool, none or null", otherwise: "string",
			kind: valueKind{words: []string{"string", "number", "bool", "none", "null"}},
		},
		liquid[0],
	}}
	etag := child{name: "etag", anywhere: true, expected: "the tag that the item has", text: hasText, expression: true, attributes: []attribute{
		{name: "type", expected: "match or no-match", otherwise: "match", kind: valueKind{words: []string{"match", "no-match"}}},
		liquid[0],
	}}
	needed := id
	needed.required = true
	changes := []attribute{
		{
			name: "consistency-level", expected: "a consistency level of Cosmos DB",
			kind: valueKind{words: []string{"bounded-staleness", "consistent-prefix", "eventual", "session", "strong"}},
		},
		{name: "pre-trigger", expected: "the id of a trigger"},
		{name: "post-trigger", expected: "the id of a trigger"},
	}
	writes := append([]attribute{
		{name: "type", expected: "insert, replace or upsert", otherwise: "upsert", kind: valueKind{words: []string{"insert", "replace", "upsert"}}},
		{name: "indexing-directive", expected: "how the items are indexed", otherwise: "default"},
	}, changes...)
	return entry{
		name: "cosmosdb-data-source", scopes: everyScope,
		does: "Cosmos DB in a GraphQL resolver", missing: needsResolver, instead: insteadOfResolver,
		tier: tierC, page: page{
			intro: "Resolves a field of a GraphQL schema with a request to Cosmos DB.",
			example: `
<!-- resolver -->
<cosmosdb-data-source>
  <connection-info>
    <connection-string use-managed-identity="true">AccountEndpoint=https://example.documents.azure.com:443/;</connection-string>
    <database-name>family</database-name>
    <container-name>people</container-name>
  </connection-info>
  <read-request>
    <id>@(context.GraphQL.GraphQLArguments["id"].ToString())</id>
    <partition-key data-type="string">@(context.GraphQL.GraphQLArguments["id"].ToString())</partition-key>
  </read-request>
</cosmosdb-data-source>`,
		},
		children: []child{
			{name: "connection-info", required: true, expected: "the container", children: []child{
				{
					name: "connection-string", required: true, expected: "a connection string of Cosmos DB", text: hasText, expression: true,
					attributes: []attribute{{name: "use-managed-identity", expected: "true or false", otherwise: "false", kind: valueKind{boolean: true}}},
				},
				{name: "database-name", required: true, expected: "the name of the database", text: hasText, expression: true},
				{name: "container-name", required: true, expected: "the name of the container", text: hasText, expression: true},
			}},
			{
				name: "query-request", expected: "a query", children: []child{
					{name: "sql-statement", expected: "a statement", text: hasText, expression: true},
					{name: "parameters", expected: "its parameters", children: []child{
						{
							name: "parameter", required: true, many: true, expected: "a value", text: hasText, expression: true,
							attributes: []attribute{{name: "name", required: true, expected: "the parameter's name, with @"}},
						},
					}},
					key,
					{name: "paging", expected: "pages", children: []child{
						{name: "max-item-count", required: true, expected: "items of a page", text: hasText, expression: true, attributes: liquid},
						{name: "continuation-token", required: true, expected: "where the page begins", text: hasText, expression: true, attributes: liquid},
					}},
				},
				attributes: []attribute{{name: "enable-low-precision-order-by", expected: "true or false", kind: valueKind{boolean: true}}},
			},
			{name: "read-request", expected: "one item", children: []child{needed, key}},
			{name: "delete-request", expected: "the end of an item", attributes: changes, children: []child{etag, needed, key}},
			{name: "write-request", expected: "an item", attributes: writes, children: []child{
				id, key, etag, {name: "set-body", policy: true, expected: "as the policy set-body"},
			}},
			resolverResponse("response"),
		},
	}
}
