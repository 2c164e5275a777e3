package cli

func policyCommand() *command {
	return &command{
		name: "policy", args: "check", short: "try policy documents",
		subcommands: []*command{policyCheckCommand()},
	}
}
