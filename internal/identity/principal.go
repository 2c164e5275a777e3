// Package identity says who is calling.
//
// It holds the [Principal] alone; verify makes one from a credential, issue
// is the site's own certificate authority, acquire obtains the credentials
// that the gateway itself shows. It guarantees that a Principal holds no
// credential and never changes. A Principal says who was recognised, not what
// they may do: that is decided elsewhere, on every request. There is nothing
// in it that fails.
package identity

import "time"

// Kinds of a [Principal].
const (
	KindSubscription = "subscription"
	KindToken        = "token"
	KindCertificate  = "certificate"
)

// Principal is a caller that was recognised. It is immutable: it may be
// shared by many requests, its slices included. Fields that its kind does not
// know are empty. It holds no credential.
type Principal struct {
	// Kind is the credential by which it was recognised.
	Kind string
	// SubscriptionID is the subscription the caller acts under.
	SubscriptionID string
	// Issuer and Subject are iss and sub of a token.
	Issuer, Subject string
	// ObjectID and TenantID are oid and tid of a token of Entra ID.
	ObjectID, TenantID string
	// ClientID is azp, appid or client_id of a token.
	ClientID string
	// Roles, Groups and Scopes are roles, groups and scp of a token.
	Roles, Groups, Scopes []string
	// CertificateSHA256 is the fingerprint of the TLS client certificate in
	// lower-case hex.
	CertificateSHA256 string
	// Expires is when the credential ends; zero: it does not.
	Expires time.Time
}

// ID is the value that grants, bindings and records name a token's principal
// by: oid, or sub where there is no oid.
func (p *Principal) ID() string {
	if p.ObjectID != "" {
		return p.ObjectID
	}
	return p.Subject
}
