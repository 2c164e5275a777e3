package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
)

// probeTimeout bounds the probe of one destination.
const probeTimeout = 15 * time.Second

// probe connects to every destination, one after the other: once for each CA
// bundle by which it has to be verified.
func (r *Report) probe(ctx context.Context, b *built) {
	r.Live = []*egress.Probe{}
	for _, v := range b.dialer.Destinations() {
		trusts := b.trustsOf(v)
		for _, t := range trusts {
			if len(trusts) > 1 {
				v.Why = t.who
			}
			ctx, cancel := context.WithTimeout(ctx, probeTimeout)
			roots, err := b.pool(t.caFile)
			if err != nil {
				roots = nil
			}
			p := b.dialer.Probe(ctx, v, roots)
			cancel()
			r.Live = append(r.Live, p)
			r.OK = r.OK && p.OK
		}
	}
}

// trust is a CA bundle that the site names for a destination, and for whom;
// without a file it is the system's.
type trust struct{ who, caFile string }

// trustsOf are the bundles by which a destination is verified, at least one.
func (b *built) trustsOf(v egress.View) []trust {
	var out []trust
	add := func(who, caFile string, urls ...string) {
		if !slices.ContainsFunc(urls, func(raw string) bool { return leadsTo(raw, v) }) {
			return
		}
		for i := range out {
			if out[i].caFile == caFile {
				out[i].who += ", " + who
				return
			}
		}
		out = append(out, trust{who, caFile})
	}
	cfg := b.site.Config
	switch v.Class {
	case egress.Model:
		b.backendTrusts(add)
	case egress.Identity:
		for _, i := range cfg.Tokens.Issuers {
			add("issuer "+i.Issuer, i.CAFile, i.Issuer, i.Metadata, i.JWKSURI)
		}
		for _, id := range slices.Sorted(maps.Keys(cfg.Backends)) {
			if c := cfg.Backends[id].Credential.ClientSecret; c != nil {
				add("client secret of backend "+id, c.CAFile, c.Authority)
			}
		}
		if c := cfg.KeyVault.Credential.ClientSecret; c != nil {
			add("credential for vaults", c.CAFile, c.Authority)
		}
	case egress.Secret:
		out = []trust{{v.Why, cfg.KeyVault.CAFile}}
	case egress.State:
		if w := cfg.Audit.Witness; w != nil {
			add("witness of the audit log", w.CAFile, w.URL)
		}
	case egress.Telemetry:
		out = []trust{{v.Why, cfg.Telemetry.OTLP.CAFile}}
	}
	if len(out) == 0 {
		out = []trust{{who: v.Why}}
	}
	return out
}

// backendTrusts adds the backends of the documents and of cloister.yaml.
func (b *built) backendTrusts(add func(who, caFile string, urls ...string)) {
	documents := map[string]string{}
	for _, known := range b.site.Service.Backends {
		documents[strings.ToLower(known.ID)] = known.URL
	}
	cfg := b.site.Config.Backends
	for _, id := range slices.Sorted(maps.Keys(cfg)) {
		raw := cfg[id].URL
		if raw == "" {
			raw = documents[strings.ToLower(id)]
		}
		delete(documents, strings.ToLower(id))
		add("backend "+id, cfg[id].CAFile, raw)
	}
	for _, known := range b.site.Service.Backends {
		if _, alone := documents[strings.ToLower(known.ID)]; alone {
			add("backend "+known.ID, "", known.URL)
		}
	}
}

// leadsTo reports whether a URL's host and port are those of a destination.
func leadsTo(raw string, v egress.View) bool {
	_, host, port, err := egress.SplitURL(raw)
	return err == nil && host == v.Host && port == v.Port
}
