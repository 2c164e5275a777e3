package backend

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// TestMintedByPolicies: a token that a policy obtained goes to hosts of its
// service and nowhere else.
func TestMintedByPolicies(t *testing.T) {
	s := newSite().compile(t)
	for _, tt := range []struct {
		resource, host string
		ok             bool
	}{
		{"https://vault.azure.net", "contoso.vault.azure.net", true},
		{"https://vault.azure.net/", "contoso.vault.azure.net", true},
		{"https://VAULT.azure.net/.default", "contoso.vault.azure.net", true},
		{"https://vault.azure.net", "vault.azure.net.evil.example", false},
		{"https://vault.azure.net", "evilvault.azure.net", false},
		{"https://vault.azure.net", "contoso.vault.azure.net:8443", false},
		{"https://vault.azure.net", "contoso.openai.azure.com", false},
		{"https://management.azure.com/", "contoso.openai.azure.com", false},
		{"https://management.azure.com/", "management.azure.com", true},
		{"https://cognitiveservices.azure.com", "contoso.openai.azure.com", true},
		{"https://cognitiveservices.azure.com", "hooks.example", false},
		{"api://own", "hooks.example", true},
	} {
		token := secret.New("token-" + strings.Repeat("x", 16) + tt.resource + tt.host)
		for range 2 { // the second time it is known
			s.Minted(token, tt.resource, time.Now().Add(time.Hour))
		}
		h := http.Header{"X-Any": {"Bearer " + token.Reveal()}}
		if got := s.Carries(h, tt.host); got == tt.ok {
			t.Errorf("a token for %s to %s: refused %v, want %v", tt.resource, tt.host, got, !tt.ok)
		}
	}
}
