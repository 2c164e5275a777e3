package backend

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
)

// resource is a service of Azure, as tokens name it and as hosts are called.
type resource struct {
	// ids are the resources that tokens are obtained for, without a slash at the
	// end.
	ids []string
	// domains are those of its hosts.
	domains []string
	// model: compatible servers get these tokens too, at every host that requests
	// may be forwarded to.
	model bool
}

// resources are the services whose tokens open more than one backend.
func resources() []resource {
	return []resource{
		{
			ids: []string{"https://cognitiveservices.azure.com", "https://ai.azure.com", "https://ml.azure.com"},
			domains: []string{
				"cognitiveservices.azure.com", "openai.azure.com", "services.ai.azure.com", "api.cognitive.microsoft.com",
				"ai.azure.com", "ml.azure.com",
			},
			model: true,
		},
		{ids: []string{"https://vault.azure.net", "https://managedhsm.azure.net"}, domains: []string{"vault.azure.net", "managedhsm.azure.net"}},
		{ids: []string{"https://management.azure.com", "https://management.core.windows.net"}, domains: []string{"management.azure.com", "management.core.windows.net"}},
		{ids: []string{"https://graph.microsoft.com"}, domains: []string{"graph.microsoft.com"}},
		{ids: []string{"https://storage.azure.com"}, domains: []string{"core.windows.net", "storage.azure.net"}},
		{ids: []string{"https://eventhubs.azure.net", "https://servicebus.azure.net"}, domains: []string{"servicebus.windows.net"}},
		{ids: []string{"https://database.windows.net"}, domains: []string{"database.windows.net"}},
		{ids: []string{"https://cosmos.azure.com"}, domains: []string{"documents.azure.com", "cosmos.azure.com"}},
		{ids: []string{"https://search.azure.com"}, domains: []string{"search.windows.net"}},
		{ids: []string{"https://monitor.azure.com"}, domains: []string{"monitor.azure.com"}},
	}
}

// Minted notes a token that a policy obtained as the gateway, before it is used.
// That of a service of Azure that is known here is for the hosts of this service
// alone, and for destinations on this machine; of Azure's AI services also for
// every model destination. Of other resources nobody can say by which names their
// hosts go: those tokens may go wherever the site lets requests go.
func (s *Set) Minted(value secret.Value, of string, expires time.Time) {
	for _, b := range s.minted.all() {
		if b.value.Equal(value) {
			return
		}
	}
	of = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(of, "/.default"), "/"))
	for _, r := range resources() {
		if slices.Contains(r.ids, of) {
			s.minted.bindTo(bound{value: value, allowed: s.hostsOf(r), expires: expires})
			return
		}
	}
}

// hostsOf reports whether tokens of a service may go to a host.
func (s *Set) hostsOf(r resource) func(authority string) bool {
	return func(authority string) bool {
		for _, domain := range r.domains {
			if authority == domain || strings.HasSuffix(authority, "."+domain) {
				return true
			}
		}
		host, port := authority, uint16(443)
		if h, p, err := net.SplitHostPort(authority); err == nil {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return false
			}
			host, port = h, uint16(n)
		}
		return r.model && s.dialer.Listed(egress.Model, host, port) ||
			s.dialer.LoopbackOnly(egress.Model, host, port) || s.dialer.LoopbackOnly(egress.Call, host, port)
	}
}
