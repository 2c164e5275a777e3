package cli

func networkCommand() *command {
	return &command{
		name: "network", args: "explain", short: "ask about the private network of a site",
		subcommands: []*command{networkExplainCommand()},
	}
}
