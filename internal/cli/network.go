package cli

func networkCommand() *command {
	return &command{
		name: "network", args: "connections|explain|nftables", short: "decide about private endpoints, and ask about the private network of a site",
		subcommands: []*command{networkConnectionsCommand(), networkExplainCommand(), networkNftablesCommand()},
	}
}
