package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check|eval", short: "try policy documents",
		subcommands: []*command{policyCheckCommand(), policyEvalCommand()},
	}
}
