package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check|eval|run|test", short: "try policy documents",
		subcommands: []*command{policyCheckCommand(), policyEvalCommand(), policyRunCommand(), policyTestCommand()},
	}
}
