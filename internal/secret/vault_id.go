package secret

import (
	"fmt"
	"net/url"
	"strings"
)

// VaultObject is what an identifier of Azure Key Vault names: a secret or a
// key, in one version or in whichever is current.
type VaultObject struct {
	// Vault is https://HOST, or https://HOST:PORT; lower case.
	Vault string
	// Kind is "secrets" or "keys".
	Kind string
	Name string
	// Version is 32 hexadecimal digits in lower case; empty: the current one.
	Version string
}

// The kinds of [VaultObject].
const (
	KindSecrets = "secrets"
	KindKeys    = "keys"
)

// maxIdentifier bounds an identifier, in bytes; Azure's are shorter.
const maxIdentifier = 1024

// ParseVaultID reads https://VAULT/KIND/NAME or https://VAULT/KIND/NAME/VERSION
// (Azure Key Vault, "Object identifiers") in its one spelling: nothing escaped,
// no query, no user.
func ParseVaultID(text, kind string) (VaultObject, error) {
	bad := func(reason string) (VaultObject, error) {
		return VaultObject{}, fmt.Errorf("%s; mend: write https://VAULT.vault.azure.net/%s/NAME, with /VERSION to pin one", reason, kind)
	}
	if len(text) > maxIdentifier {
		return bad(fmt.Sprintf("the identifier is longer than %d bytes", maxIdentifier))
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return bad("the identifier is not a URL")
	case u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return bad("the identifier does not begin with https://VAULT")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(text, `#\%`):
		return bad("the identifier holds more than a host and a path")
	}
	parts := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != kind {
		return bad("the identifier's path is not /" + kind + "/NAME or /" + kind + "/NAME/VERSION")
	}
	o := VaultObject{Vault: "https://" + strings.ToLower(u.Host), Kind: kind, Name: parts[1]}
	if !isVaultName(o.Name) {
		return bad("a name has 1 to 127 letters, digits and hyphens")
	}
	if len(parts) == 3 {
		if o.Version = strings.ToLower(parts[2]); !isVaultVersion(o.Version) {
			return bad("a version has 32 hexadecimal digits")
		}
	}
	return o, nil
}

// Pinned reports whether o names one version.
func (o VaultObject) Pinned() bool { return o.Version != "" }

// Any is o in whichever version is current.
func (o VaultObject) Any() VaultObject {
	o.Version = ""
	return o
}

// String is the identifier.
func (o VaultObject) String() string {
	s := o.Vault + "/" + o.Kind + "/" + o.Name
	if o.Version != "" {
		s += "/" + o.Version
	}
	return s
}

func isVaultName(s string) bool {
	return s != "" && len(s) <= 127 && strings.Trim(s, "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

func isVaultVersion(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}
