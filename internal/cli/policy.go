package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check|eval|run", short: "try policy documents",
		subcommands: []*command{policyCheckCommand(), policyEvalCommand(), policyRunCommand()},
	}
}
