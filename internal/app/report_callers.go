package app

import (
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/gateway"
	"github.com/cloister-ai/cloister/internal/site"
)

// ReportCallers says who may call one API: one version and revision of it.
type ReportCallers struct {
	API string `json:"api"`
	// Path as callers write it, with the version where a segment or the query
	// holds it, and the revision where it is not the current one.
	Path string `json:"path"`
	// Header holds the version, "Api-Version: v1"; empty: none does.
	Header string `json:"header,omitempty"`
	// Callers are the kinds of credentials; empty: nobody.
	Callers []string `json:"callers"`
	// Implied: cloister.yaml does not say.
	Implied bool `json:"implied,omitempty"`
	// Subscriptions are the active ones in cloister.yaml that cover the API
	// and have what such a caller shows: a key, a token's rule, a certificate.
	Subscriptions []string `json:"subscriptions,omitempty"`
	// Hint says how to let somebody in where nobody may call.
	Hint string `json:"hint,omitempty"`
}

// callers says who may call, API by API.
func (b *built) reportCallers() []ReportCallers {
	var out []ReportCallers
	for _, v := range b.snapshot.Callers() {
		c := ReportCallers{API: v.API, Path: v.Path, Callers: v.Kinds, Implied: v.Implied}
		for _, api := range b.site.Service.APIs {
			if api.Pos == v.Pos && api.ID == v.API {
				c.Path, c.Header = b.publicPath(api)
			}
		}
		for _, id := range v.Subscriptions {
			if b.comesIn(id, v) {
				c.Subscriptions = append(c.Subscriptions, id)
			}
		}
		if len(v.Kinds) == 0 {
			c.Callers = []string{}
			if v.Implied {
				c.Hint = "to let callers in: callers: {apis: {" + v.API + ": [subscription]}}; or token, or certificate"
			}
		}
		out = append(out, c)
	}
	return out
}

// publicPath is where an API stands, and the header that chooses its version.
func (b *built) publicPath(api *site.API) (path, header string) {
	path = "/" + api.Path
	query := ""
	for _, set := range b.site.Service.VersionSets {
		if api.Version == "" || !strings.EqualFold(set.ID, api.VersionSetID) {
			continue
		}
		switch set.Scheme {
		case site.VersioningSegment:
			path = strings.TrimSuffix(path, "/") + "/" + api.Version
		case site.VersioningHeader:
			header = set.HeaderName + ": " + api.Version
		default:
			query = "?" + set.QueryName + "=" + api.Version
		}
	}
	if !api.IsCurrent {
		path += ";rev=" + api.Revision
	}
	return path + query, header
}

// comesIn reports whether a subscription has what a kind of caller shows.
func (b *built) comesIn(id string, v gateway.CallerView) bool {
	sub := b.callers.directory.Get(id)
	if sub == nil {
		return false
	}
	return slices.ContainsFunc(v.Kinds, func(kind string) bool {
		switch kind {
		case site.CallerSubscription, site.CallerSubscriptionAndToken:
			return len(sub.PrimaryDigest)+len(sub.SecondaryDigest) > 0
		case site.CallerToken:
			return slices.ContainsFunc(b.site.Config.Tokens.Callers, func(r site.TokenCaller) bool { return strings.EqualFold(r.Subscription, id) })
		case site.CallerCertificate:
			return sub.Binding != nil && len(sub.Binding.Certificates) > 0
		}
		return false
	})
}
