package emulator

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// VaultAttributes are those of a version of a secret or key. The zero value is
// enabled and does not end.
type VaultAttributes struct {
	Disabled bool
	// NotBefore and Expires are nbf and exp; zero: not set.
	NotBefore, Expires time.Time
}

// vaultAttributes are VaultAttributes on the wire.
type vaultAttributes struct {
	Enabled         bool   `json:"enabled"`
	NotBefore       int64  `json:"nbf,omitempty"`
	Expires         int64  `json:"exp,omitempty"`
	Created         int64  `json:"created"`
	Updated         int64  `json:"updated"`
	RecoveryLevel   string `json:"recoveryLevel"`
	RecoverableDays int    `json:"recoverableDays"`
}

func (a VaultAttributes) wire(created time.Time) vaultAttributes {
	w := vaultAttributes{
		Enabled: !a.Disabled, Created: created.Unix(), Updated: created.Unix(),
		RecoveryLevel: "Recoverable+Purgeable", RecoverableDays: 90,
	}
	if !a.NotBefore.IsZero() {
		w.NotBefore = a.NotBefore.Unix()
	}
	if !a.Expires.IsZero() {
		w.Expires = a.Expires.Unix()
	}
	return w
}

// vaultSecret is all versions of one name; the last one is current.
type vaultSecret struct {
	versions []secretVersion
	deleted  bool
}

type secretVersion struct {
	id         string
	value      secret.Value
	attributes VaultAttributes
	created    time.Time
}

// secretBundle is SecretBundle of the description.
type secretBundle struct {
	Value      string          `json:"value"`
	ID         string          `json:"id"`
	Attributes vaultAttributes `json:"attributes"`
}

// newVersion is an identifier as the service makes them: 32 hexadecimal digits.
func (v *KeyVault) newVersion() string { return hex.EncodeToString(randomBytes(v.opt.Rand, 16)) }

// SetSecret makes a new version the current one and returns its identifier,
// version included.
func (v *KeyVault) SetSecret(name, value string, a VaultAttributes) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.secrets[name]
	if s == nil {
		s = &vaultSecret{}
		v.secrets[name] = s
	}
	version := v.newVersion()
	s.versions = append(s.versions, secretVersion{version, secret.New(value), a, v.opt.Now()})
	return v.opt.BaseURL + "/secrets/" + name + "/" + version
}

// SetSecretAttributes changes those of the current version.
func (v *KeyVault) SetSecretAttributes(name string, a VaultAttributes) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.secrets[name]
	if s == nil {
		return fmt.Errorf("emulator: there is no secret %q", name)
	}
	s.versions[len(s.versions)-1].attributes = a
	return nil
}

// DeleteSecret deletes a secret softly, or recovers it.
func (v *KeyVault) DeleteSecret(name string, deleted bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.secrets[name]
	if s == nil {
		return fmt.Errorf("emulator: there is no secret %q", name)
	}
	s.deleted = deleted
	return nil
}

// getSecret is GET /secrets/NAME/VERSION. As in the service, nbf and exp are
// information: such a secret is given out.
func (v *KeyVault) getSecret(name, version string) (any, *vaultError) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.secrets[name]
	if s == nil || s.deleted {
		return nil, errVaultNotFound("secrets", name, version)
	}
	for i := len(s.versions) - 1; i >= 0; i-- {
		x := s.versions[i]
		if version != "" && x.id != version {
			continue
		}
		if x.attributes.Disabled {
			return nil, errVaultDisabled("get", "secret", "SecretDisabled")
		}
		return secretBundle{x.value.Reveal(), v.opt.BaseURL + "/secrets/" + name + "/" + x.id, x.attributes.wire(x.created)}, nil
	}
	return nil, errVaultNotFound("secrets", name, version)
}
