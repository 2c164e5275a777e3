package policy

func httpDataSourceEntry() entry {
	return entry{
		name: "http-data-source", scopes: everyScope,
		does: "HTTP in a GraphQL resolver", missing: needsResolver, instead: insteadOfResolver,
		tier: tierC, page: page{
			intro: "Resolves a field of a GraphQL schema with a call.",
			example: `
<!-- resolver -->
<http-data-source>
  <http-request>
    <set-method>POST</set-method>
    <set-url>https://data.example/users</set-url>
    <set-header name="Content-Type" exists-action="override"><value>application/json</value></set-header>
    <set-body>@(context.GraphQL.GraphQLArguments["input"].ToString())</set-body>
  </http-request>
  <http-response>
    <publish-event><targets><graphql-subscription id="onUserCreated" /></targets></publish-event>
  </http-response>
</http-data-source>`,
		},
		children: []child{
			{name: "http-request", required: true, expected: "the request", children: []child{
				{name: "get-authorization-context", policy: true, anywhere: true, expected: "as the policy get-authorization-context"},
				{name: "set-backend-service", policy: true, anywhere: true, expected: "as the policy set-backend-service"},
				includedFragments(),
				{name: "set-method", policy: true, required: true, anywhere: true, expected: "as the policy set-method"},
				{name: "set-url", required: true, anywhere: true, expected: "a URL", text: hasText, expression: true},
				{name: setHeaderName, policy: true, many: true, anywhere: true, expected: "as the policy set-header"},
				{name: "set-body", policy: true, anywhere: true, expected: "as the policy set-body"},
				{name: "authentication-certificate", policy: true, anywhere: true, expected: "as the policy authentication-certificate"},
			}},
			{name: "backend", expected: "how it is sent", children: []child{
				{name: forwardRequestName, policy: true, expected: "as the policy forward-request"},
			}},
			resolverResponse("http-response"),
		},
	}
}
