package app

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// Report is what "check" found.
type Report struct {
	// OK: the site can be served, and with Live every destination answered.
	OK bool `json:"ok"`
	// Site and Digest are empty where the site could not be loaded.
	Site     string        `json:"site,omitempty"`
	Digest   string        `json:"digest,omitempty"`
	Problems site.Problems `json:"problems"`
	// Reach is all that may be connected to.
	Reach []egress.View `json:"reach"`
	// Endpoints are the private endpoints of the site.
	Endpoints []ReportEndpoint `json:"endpoints"`
	// Callers says who may call, API by API.
	Callers []ReportCallers `json:"callers"`
	// Live is nil unless it was asked for.
	Live []*egress.Probe `json:"live,omitempty"`
}

// CheckOptions are what [Check] takes.
type CheckOptions struct {
	// Dir is the site's directory.
	Dir     string
	Secrets secret.Env
	// Live resolves and connects to every destination.
	Live bool
	// Development accepts what the emulator made.
	Development bool
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
}

// Check loads and compiles a site as [Start] does, and serves nothing: no
// state is opened, and nothing is connected to but with Live.
func Check(ctx context.Context, opt CheckOptions) (*Report, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	r := &Report{Problems: site.Problems{}, Reach: []egress.View{}, Endpoints: []ReportEndpoint{}, Callers: []ReportCallers{}}
	s, problems := site.Load(opt.Dir)
	r.Problems = append(r.Problems, problems...)
	if s == nil {
		r.Problems = append(r.Problems, partial(opt)...)
		r.Problems.Sort()
		return r, nil
	}
	opt.Secrets.SiteDir = s.Dir
	b := preview(s, opt)
	defer b.close()
	r.Site, r.Digest = s.Config.Name, s.Digest
	r.Problems = append(r.Problems, b.problems...)
	r.Problems.Sort()
	r.OK = !r.Problems.HasErrors()
	if b.dialer != nil {
		r.Reach = append(r.Reach, b.dialer.Destinations()...)
		r.Endpoints = append(r.Endpoints, b.reportEndpoints()...)
		if opt.Live {
			r.probe(ctx, b)
		}
	}
	if b.snapshot != nil {
		r.Callers = append(r.Callers, b.reportCallers()...)
	}
	return r, nil
}

// preview compiles a site without its state: nothing is connected to, and
// nothing runs.
func preview(s *site.Site, opt CheckOptions) *built {
	// Digests of keys that are only checked are kept by nobody.
	digestKey := make([]byte, 32)
	rand.Read(digestKey) // never fails (crypto/rand)
	return build(s, surroundings{
		secrets: opt.Secrets, now: opt.Now, digestKey: digestKey, offline: true, elsewhere: true, development: opt.Development,
	})
}
