package app

import "github.com/cloister-ai/cloister/internal/policy"

// policyServices are what policies use, for as long as the process runs: what
// they count and keep outlives a reload.
func (p *Process) policyServices() *policy.Services {
	return &policy.Services{Now: p.opt.Now}
}
