package policy

// integrationPolicies are the policies about calls to others.
func integrationPolicies() []entry {
	return []entry{
		sendRequestEntry(),
		sendOneWayRequestEntry(),
		logToEventhubEntry(),
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
