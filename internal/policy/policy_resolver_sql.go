package policy

// insteadOfResolver is what to do about the policies of GraphQL resolvers.
const insteadOfResolver = "publish the data as an API of its own, with an OpenAPI document"

func sqlDataSourceEntry() entry {
	return entry{
		name: "sql-data-source", scopes: everyScope,
		does: "SQL in a GraphQL resolver", missing: needsResolver, instead: insteadOfResolver,
		tier: tierC, page: page{
			intro: "Resolves a field of a GraphQL schema with a statement of T-SQL to Azure SQL.",
			example: `
<!-- resolver -->
<sql-data-source>
  <connection-info>
    <connection-string use-managed-identity="true">Server=tcp:example.database.windows.net,1433;Initial Catalog=family;</connection-string>
  </connection-info>
  <request single-result="true">
    <sql-statement>SELECT f.[Id] AS [id], f.[Name] AS [name] FROM [Family] f WHERE @familyId = f.[Id]</sql-statement>
    <parameters>
      <parameter name="@familyId">@(context.GraphQL.GraphQLArguments["id"])</parameter>
    </parameters>
  </request>
</sql-data-source>`,
		},
		children: []child{
			{name: "connection-info", required: true, expected: "the database", children: []child{
				{
					name: "connection-string", required: true, expected: "a connection string of Azure SQL", text: hasText, expression: true,
					attributes: []attribute{{name: "use-managed-identity", expected: "true or false", otherwise: "false", kind: valueKind{boolean: true}, expression: true}},
				},
				includedFragments(),
				{name: "authentication-certificate", policy: true, expected: "as the policy authentication-certificate"},
			}},
			includedFragments(),
			{
				name: "request", required: true, expected: "the statement", children: []child{
					includedFragments(),
					{name: "set-body", policy: true, expected: "as the policy set-body"},
					{name: "sql-statement", required: true, expected: "statements of T-SQL", text: hasText, expression: true},
					{name: "parameters", expected: "their parameters", children: []child{
						{name: "parameter", required: true, many: true, expected: "a value", text: hasText, expression: true, attributes: []attribute{
							{name: "name", required: true, expected: "the parameter's name, with @"},
							{name: "sql-type", expected: "a type of T-SQL"},
						}},
					}},
				},
				attributes: []attribute{{name: "single-result", expected: "true or false", otherwise: "false", kind: valueKind{boolean: true}, expression: true}},
			},
			resolverResponse("response"),
		},
	}
}

func includedFragments() child {
	return child{name: includeFragmentName, policy: true, many: true, anywhere: true, expected: "as the policy include-fragment"}
}

// resolverResponse is the answer of a resolver.
func resolverResponse(name string) child {
	return child{name: name, expected: "what becomes of the data", children: []child{
		includedFragments(),
		{name: "set-body", policy: true, anywhere: true, expected: "as the policy set-body"},
		{name: "xml-to-json", policy: true, anywhere: true, expected: "as the policy xml-to-json"},
		{name: "find-and-replace", policy: true, anywhere: true, expected: "as the policy find-and-replace"},
		{name: "publish-event", policy: true, anywhere: true, expected: "as the policy publish-event"},
	}}
}
