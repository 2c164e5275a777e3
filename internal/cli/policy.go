package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check|eval|run|test|format", short: "try policy documents",
		subcommands: []*command{policyCheckCommand(), policyEvalCommand(), policyRunCommand(), policyTestCommand(), policyFormatCommand()},
	}
}
