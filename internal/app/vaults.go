package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// vaultResource is whom a managed identity's token for vaults is for, where the
// site does not say.
const vaultResource = "https://vault.azure.net"

// newVaults makes the way to the site's Key Vaults. It connects to nothing yet.
func newVaults(s *site.Site, dialer *egress.Dialer, at surroundings) (*secret.Vaults, error) {
	cfg := &s.Config.KeyVault
	roots, err := poolOf(s, cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("keyVault.caFile: %w", err)
	}
	source, scope, err := vaultTokens(s, dialer, at)
	if err != nil {
		return nil, fmt.Errorf("keyVault.credential: %w", err)
	}
	return secret.NewVaults(secret.VaultOptions{
		Client:     dialer.Client(egress.Secret, egress.TransportOptions{RootCAs: roots, MaxConns: 4}, 0),
		Credential: secret.TokenCredential(source, scope), Development: at.development, Now: at.now, Log: at.log,
	}), nil
}

// vaultTokens is who the gateway is to its vaults.
func vaultTokens(s *site.Site, dialer *egress.Dialer, at surroundings) (secret.TokenSource, string, error) {
	opt := acquire.Options{
		Client:           identityClient(dialer, nil),
		InstanceMetadata: dialer.InstanceMetadata(), Now: at.now, Log: at.log,
	}
	c := s.Config.KeyVault.Credential.ClientSecret
	if c == nil {
		m := site.ManagedIdentity{Resource: vaultResource}
		if given := s.Config.KeyVault.Credential.ManagedIdentity; given != nil {
			m = *given
			m.Resource = cmp.Or(m.Resource, vaultResource)
		}
		source, err := acquire.ManagedIdentity(&m, opt)
		return source, m.Resource + "/.default", err
	}
	roots, err := poolOf(s, c.CAFile)
	if err != nil {
		return nil, "", err
	}
	opt.Client = identityClient(dialer, roots)
	value, err := secret.Resolve(c.Secret, at.secrets)
	if err != nil {
		return nil, "", err
	}
	with := *c
	with.Scope = cmp.Or(with.Scope, secret.VaultScope)
	source, err := acquire.ClientSecret(&with, value, opt)
	return source, with.Scope, err
}

func identityClient(dialer *egress.Dialer, roots *x509.CertPool) *http.Client {
	return dialer.Client(egress.Identity, egress.TransportOptions{RootCAs: roots, MaxConns: 4}, 0)
}

// addVaults gives references to vaults a place to be read from: the vaults, or,
// where nothing may be connected to, a stand-in.
func (b *built) addVaults(at *surroundings) {
	if at.offline {
		at.secrets.KeyVault = secret.NewUnread()
		return
	}
	if !usesVaults(b.site) {
		return
	}
	vaults, err := newVaults(b.site, b.dialer, *at)
	if err != nil {
		pos := b.site.Config.KeyVault.Pos
		if pos.IsZero() {
			pos = b.site.Config.Pos
		}
		b.secretProblem(pos, err, "the credential for vaults")
		return
	}
	b.vaults, at.secrets.KeyVault = vaults, vaults
}

// usesVaults reports whether a site refers to secrets in vaults.
func usesVaults(s *site.Site) bool {
	for _, ref := range secretRefs(s) {
		if ref != nil && ref.KeyVault != "" {
			return true
		}
	}
	return false
}

// secretRefs are all references of a site to secrets.
func secretRefs(s *site.Site) []*site.SecretRef {
	cfg := s.Config
	var refs []*site.SecretRef
	for _, n := range s.Service.NamedValues {
		refs = append(refs, n.Ref)
	}
	for i := range cfg.Subscriptions {
		refs = append(refs, cfg.Subscriptions[i].PrimaryKey, cfg.Subscriptions[i].SecondaryKey)
	}
	for _, b := range cfg.Backends {
		if b.Credential.APIKey != nil {
			refs = append(refs, b.Credential.APIKey.Key)
		}
		if b.Credential.ClientSecret != nil {
			refs = append(refs, b.Credential.ClientSecret.Secret)
		}
	}
	if cfg.State.Postgres != nil {
		refs = append(refs, cfg.State.Postgres.Password)
	}
	if e := cfg.State.Encryption; e != nil && e.KeyFile != nil {
		refs = append(refs, e.KeyFile.Passphrase)
	}
	if cfg.Audit.Witness != nil {
		refs = append(refs, cfg.Audit.Witness.Token)
	}
	return refs
}

// watchVaults loads the site anew when a secret in a vault has another value.
func (p *Process) watchVaults(ctx context.Context, b *built) {
	interval := b.site.Config.KeyVault.RefreshInterval
	b.vaults.Watch(ctx, durationOr(interval, defaultVaultInterval), func(ctx context.Context, changed []string) error {
		p.opt.Log.Info("secrets changed in their vaults", "secrets", changed)
		r, err := p.Reload(ctx)
		if err == nil {
			err = r.Problems.Err()
		}
		return err
	})
}
