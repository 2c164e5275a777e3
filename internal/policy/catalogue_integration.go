package policy

// integrationPolicies are the policies about calls to others.
func integrationPolicies() []entry {
	return []entry{
		{name: "send-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer goes into a variable"},
		{name: "send-one-way-request", sections: everySection, scopes: everyScope, connects: true, does: "a call whose answer nobody waits for"},
		{name: "log-to-eventhub", sections: everySection, scopes: everyScope, connects: true, does: "a message to Event Hubs"},
		sendServiceBusMessageEntry(),
		publishToDaprEntry(),
		invokeDaprBindingEntry(),
		sqlDataSourceEntry(),
		cosmosDBDataSourceEntry(),
		httpDataSourceEntry(),
		graphQLDataSourceEntry(),
		publishEventEntry(),
	}
}
