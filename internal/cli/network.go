package cli

func networkCommand() *command {
	return &command{
		name: "network", args: "connections|explain|nftables", short: "decide about private endpoints, ask about rules",
		subcommands: []*command{networkConnectionsCommand(), networkExplainCommand(), networkNftablesCommand()},
	}
}
