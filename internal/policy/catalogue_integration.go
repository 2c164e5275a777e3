package policy

// integrationPolicies are the policies about calls to others.
func integrationPolicies() []entry {
	return []entry{
		sendRequestEntry(),
		sendOneWayRequestEntry(),
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
