package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check|eval|run|test|trace|format", short: "try policy documents",
		subcommands: []*command{policyCheckCommand(), policyEvalCommand(), policyRunCommand(), policyTestCommand(), policyTraceCommand(), policyFormatCommand()},
	}
}
