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
	// Callers says who may call, API by API.
	Callers []ReportCallers `json:"callers"`
	// Live is nil unless it was asked for.
	Live []*egress.Probe `json:"live,omitempty"`
}

// ReportCallers says who may call one API.
type ReportCallers struct {
	API  string `json:"api"`
	Path string `json:"path"`
	// Callers are the kinds of credentials; empty: nobody.
	Callers []string `json:"callers"`
	// Implied: cloister.yaml does not say.
	Implied bool `json:"implied,omitempty"`
	// Subscriptions are the active ones in cloister.yaml that cover the API.
	Subscriptions []string `json:"subscriptions,omitempty"`
	// Hint says how to let somebody in where nobody may call.
	Hint string `json:"hint,omitempty"`
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
	r := &Report{Problems: site.Problems{}, Reach: []egress.View{}, Callers: []ReportCallers{}}
	s, problems := site.Load(opt.Dir)
	r.Problems = append(r.Problems, problems...)
	if s == nil {
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
		if opt.Live {
			r.probe(ctx, b)
		}
	}
	if b.snapshot != nil {
		for _, v := range b.snapshot.Callers() {
			c := ReportCallers{API: v.API, Path: v.Path, Callers: v.Kinds, Implied: v.Implied, Subscriptions: v.Subscriptions}
			if len(v.Kinds) == 0 {
				c.Callers, c.Hint = []string{}, "to let callers in: callers: {apis: {"+v.API+": [token]}}"
			}
			r.Callers = append(r.Callers, c)
		}
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

// probeTimeout bounds the probe of one destination.
const probeTimeout = 15 * time.Second

// probe connects to every destination, one after the other.
func (r *Report) probe(ctx context.Context, b *built) {
	r.Live = []*egress.Probe{}
	for _, v := range b.dialer.Destinations() {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		roots, err := b.pool(b.caFileOf(v))
		if err != nil {
			roots = nil
		}
		p := b.dialer.Probe(ctx, v, roots)
		cancel()
		r.Live = append(r.Live, p)
		r.OK = r.OK && p.OK
	}
}

// caFileOf is the CA bundle that the site names for a destination; empty: the
// system's.
func (b *built) caFileOf(v egress.View) string {
	same := func(raw string) bool {
		_, host, port, err := egress.SplitURL(raw)
		return err == nil && host == v.Host && port == v.Port
	}
	cfg := b.site.Config
	switch v.Class {
	case egress.Model:
		for id, be := range cfg.Backends {
			raw := be.URL
			for _, known := range b.site.Service.Backends {
				if known.ID == id && raw == "" {
					raw = known.URL
				}
			}
			if be.CAFile != "" && same(raw) {
				return be.CAFile
			}
		}
	case egress.Identity:
		for _, i := range cfg.Tokens.Issuers {
			if i.CAFile != "" && (same(i.Issuer) || same(i.Metadata) || same(i.JWKSURI)) {
				return i.CAFile
			}
		}
		for _, be := range cfg.Backends {
			if c := be.Credential.ClientSecret; c != nil && c.CAFile != "" && same(c.Authority) {
				return c.CAFile
			}
		}
	case egress.Telemetry:
		return cfg.Telemetry.OTLP.CAFile
	}
	return ""
}
