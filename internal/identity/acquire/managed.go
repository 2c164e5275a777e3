package acquire

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// What a credential is for and who gives it, where the site does not say
// (Azure's public cloud).
const (
	defaultResource  = "https://cognitiveservices.azure.com"
	defaultAuthority = "https://login.microsoftonline.com"
)

type azToken = azcore.AccessToken

// ManagedIdentity obtains tokens by managed identity. Where the platform's
// environment names another endpoint than instance metadata (IDENTITY_ENDPOINT
// and its kin), that endpoint has to be listed in class identity.
func ManagedIdentity(cfg *site.ManagedIdentity, opt Options) (*Cache, error) {
	resource := strings.TrimSuffix(cmp.Or(cfg.Resource, defaultResource), "/")
	t := &transport{
		client:   opt.Client,
		metadata: &http.Client{Transport: opt.InstanceMetadata, CheckRedirect: noRedirect},
	}
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: clientOptions(t)}
	if cfg.ClientID != "" {
		o.ID = azidentity.ClientID(cfg.ClientID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(o)
	if err != nil {
		return nil, &Error{Kind: KindManagedIdentity, Reason: err.Error(), Err: err}
	}
	key := keyOf(KindManagedIdentity, cfg.ClientID, resource)
	return newCache(KindManagedIdentity, opt, key, fetcher(KindManagedIdentity, "", t, credential.GetToken, resource+"/.default")), nil
}

// ClientSecret obtains tokens from Entra ID, or an authority that speaks its
// protocol, with a client secret (RFC 6749, section 4.4). The authority is
// taken as the site names it; nobody else is asked whether it exists.
func ClientSecret(cfg *site.ClientSecret, value secret.Value, opt Options) (*Cache, error) {
	authority := cmp.Or(cfg.Authority, defaultAuthority)
	scope := cmp.Or(cfg.Scope, defaultResource+"/.default")
	t := &transport{client: opt.Client}
	o := &azidentity.ClientSecretCredentialOptions{ClientOptions: clientOptions(t), DisableInstanceDiscovery: true}
	o.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: authority}
	at, err := url.Parse(authority)
	if err != nil {
		return nil, &Error{Kind: KindClientSecret, Reason: err.Error(), Err: err}
	}
	where := at.Hostname()
	credential, err := azidentity.NewClientSecretCredential(cfg.TenantID, cfg.ClientID, value.Reveal(), o)
	if err != nil {
		return nil, &Error{Kind: KindClientSecret, Where: where, Reason: err.Error()}
	}
	key := keyOf(KindClientSecret, authority, cfg.TenantID, cfg.ClientID, scope, value.Reveal())
	return newCache(KindClientSecret, opt, key, fetcher(KindClientSecret, where, t, credential.GetToken, scope)), nil
}

func clientOptions(t *transport) azcore.ClientOptions {
	return azcore.ClientOptions{Transport: t, Retry: retries(), Telemetry: policy.TelemetryOptions{Disabled: true}}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// fetcher is one attempt at a credential of the SDK.
func fetcher(kind, where string, t *transport, get getter, scope string) func(context.Context) (token, error) {
	return func(ctx context.Context) (token, error) {
		t.take()
		got, err := get(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return token{}, asError(kind, where, t.take(), err)
		}
		return token{value: secret.New(got.Token), expires: got.ExpiresOn, refresh: got.RefreshOn}, nil
	}
}

// keyOf is a digest of what decides which tokens a source obtains.
func keyOf(parts ...string) [sha256.Size]byte {
	text, _ := json.Marshal(parts) // of strings: cannot fail
	return sha256.Sum256(text)
}
