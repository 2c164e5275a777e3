package policy

// integrationPolicies are the policies about calls to others.
func integrationPolicies() []entry {
	return []entry{
		{name: "send-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer goes into a variable"},
		{name: "send-one-way-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer nobody waits for"},
		{name: "log-to-eventhub", sections: everySection, scopes: everyScope, connects: true, does: "a message to Event Hubs"},
		{name: "send-service-bus-message", sections: inOutErr, scopes: everyScope, connects: true, does: "a message to Service Bus"},
		{name: "publish-to-dapr", sections: inOnly, scopes: everyScope, connects: true, does: "a message to a Dapr topic", missing: needsDapr},
		{name: "invoke-dapr-binding", sections: inOutErr, scopes: everyScope, connects: true, does: "a Dapr output binding", missing: needsDapr},
		{name: "sql-data-source", scopes: everyScope, does: "SQL in a GraphQL resolver", missing: needsResolver},
		{name: "cosmosdb-data-source", scopes: everyScope, does: "Cosmos DB in a GraphQL resolver", missing: needsResolver},
		{name: "http-data-source", scopes: everyScope, does: "HTTP in a GraphQL resolver", missing: needsResolver},
		{name: "graphql-data-source", scopes: everyScope, does: "GraphQL in a GraphQL resolver", missing: needsResolver},
		{name: "publish-event", scopes: everyScope, does: "an event to GraphQL subscriptions", missing: needsResolver},
	}
}
