package gateway

import (
	"errors"
	"net/url"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// checkConfigurations refuses OpenID configurations that the site does not let
// the gateway fetch.
func (c *pipelineCompiler) checkConfigurations(p *policy.Pipeline, problems *site.Problems) {
	for _, use := range p.Configurations() {
		u, err := url.Parse(use.URL)
		if err == nil {
			err = c.mayFetch(u)
		}
		if err != nil && use.Secret {
			err = errors.New("destinations.identity does not list its host")
		}
		if err != nil {
			problems.Add(use.Pos, "undeclared-destination", "an https URL whose host destinations.identity lists",
				"list its host and port in destinations.identity of cloister.yaml, with public: true where it is a public one",
				"the policy fetches an OpenID configuration: %v", err)
		}
	}
}
