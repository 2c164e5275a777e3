package site

import (
	"net/netip"
	"time"
)

// Config is cloister.yaml: what Azure would infer from the resources around
// the gateway. Field names in the file are the yaml tags.
type Config struct {
	Pos Pos `yaml:"-"`

	// Name of the site, shown in records and metrics.
	Name string `yaml:"name"`
	// PublicNetworkAccess is "Disabled" (the default) or "Enabled", as in ARM.
	// Only "Enabled" lets a listener stand on a public or wildcard address.
	PublicNetworkAccess string `yaml:"publicNetworkAccess"`
	// Listeners are where callers connect. At least one.
	Listeners []Listener `yaml:"listeners"`
	// Hostnames are the names that the gateway answers to, chosen by SNI.
	Hostnames []Hostname `yaml:"hostnames"`
	// Health is where /livez, /readyz and /metrics stand.
	Health Health `yaml:"health"`
	// Callers says per API who may call.
	Callers Callers `yaml:"callers"`
	// Tokens says which issuers are trusted and whom their tokens act for.
	Tokens Tokens `yaml:"tokens"`
	// Subscriptions names keys of subscriptions by secret reference. The
	// subscriptions themselves are the documents in apim/subscriptions, or
	// are declared here in full.
	Subscriptions []SubscriptionConfig `yaml:"subscriptions"`
	// NamedValues gives secret named values of apim/ their value, by display
	// name. Load sets [NamedValue.Ref] from it.
	NamedValues map[string]SecretRef `yaml:"namedValues"`
	// Certificates are those that policies name, by the id that they name them
	// by: what is uploaded to API Management as certificates.
	Certificates map[string]CertificateConfig `yaml:"certificates"`
	// TrustedProxies are the peers whose word on the client address counts.
	TrustedProxies []TrustedProxy `yaml:"trustedProxies"`
	// PrivatePrefixes is the address space of class "model" destinations.
	// Default: RFC 1918, RFC 6598 and fc00::/7.
	PrivatePrefixes []PrivatePrefix `yaml:"privatePrefixes"`
	// Destinations is all that the process may connect to.
	Destinations Destinations `yaml:"destinations"`
	// Backends adds to the backends of apim/backends what Azure keeps
	// elsewhere. Keyed by backend id.
	Backends map[string]BackendConfig `yaml:"backends"`
	// Names says which DNS servers are asked. Default: those of the system.
	Names Names `yaml:"names"`
	// Network says where the gateway stands in the network of network/.
	Network NetworkConfig `yaml:"network"`
	State   State         `yaml:"state"`
	// KeyVault says how Azure Key Vaults are reached.
	KeyVault KeyVault `yaml:"keyVault"`
	// Audit configures the chained log.
	Audit Audit `yaml:"audit"`
	// Admin opens the operator's door over TLS.
	Admin Admin `yaml:"admin"`
	// Telemetry says where records, metrics and spans go.
	Telemetry Telemetry `yaml:"telemetry"`
	// DrainTimeout bounds how long open requests may go on after SIGTERM.
	// Default 30s.
	DrainTimeout Duration `yaml:"drainTimeout"`
	// Limits are the listener's bounds; the zero value is the safe default.
	Limits Limits `yaml:"limits"`
	// Policies names what policies do as documented.
	Policies Policies `yaml:"policies"`
	// AcceptedFields lists fields that are meant to protect, are not built,
	// and that the owner of the site does without, each with a reason.
	AcceptedFields []AcceptedField `yaml:"acceptedFields"`
}

// Duration is a Go duration in the file ("30s").
type Duration time.Duration

// Listener is one address that callers connect to.
type Listener struct {
	Pos Pos `yaml:"-"`
	// Address is an IP address, the name of an interface, or "private":
	// every private address of the host.
	Address string `yaml:"address"`
	// Port 0 takes a free one.
	Port int `yaml:"port"`
}

// Hostname is one name that the gateway answers to.
type Hostname struct {
	Pos Pos `yaml:"-"`
	// Name is a DNS name or an IP address, in lower case.
	Name string `yaml:"name"`
	// Default makes this the certificate for clients that send no SNI
	// (connections to a bare address).
	Default bool `yaml:"default"`
	// Certificate and Key are PEM files, relative to the site's directory.
	// Both empty: a certificate of the site's own CA.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// ClientCertificates asks clients for a certificate of these CAs (PEM).
	ClientCA string `yaml:"clientCA"`
}

// CertificateConfig is a certificate that policies name.
type CertificateConfig struct {
	Pos Pos `yaml:"-"`
	// Certificate and Key are PEM files, relative to the site's directory. Without
	// a key it verifies, and cannot be shown to backends.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Health is the address of the probes and of Prometheus.
type Health struct {
	Pos Pos `yaml:"-"`
	// Address is HOST:PORT; empty: no probes. Default 127.0.0.1:9443.
	Address string `yaml:"address"`
}

// Caller kinds, see ARCHITECTURE section 4.
const (
	CallerSubscription         = "subscription"
	CallerToken                = "token"
	CallerSubscriptionAndToken = "subscription+token"
	CallerCertificate          = "certificate"
	CallerPolicy               = "policy"
	CallerAnonymous            = "anonymous"
)

// Callers says who may call: APIs first, then Default. Nil means: not said
// (subscription where the API requires one, else nobody).
type Callers struct {
	Pos     Pos                 `yaml:"-"`
	Default []string            `yaml:"default"`
	APIs    map[string][]string `yaml:"apis"`
}

// Tokens configures callers by token.
type Tokens struct {
	Pos Pos `yaml:"-"`
	// Audiences are the gateway's own application ids.
	Audiences []string `yaml:"audiences"`
	Issuers   []Issuer `yaml:"issuers"`
	// Callers maps verified tokens to subscriptions; the first match counts.
	Callers []TokenCaller `yaml:"callers"`
}

// Issuer is a trusted token issuer.
type Issuer struct {
	Pos Pos `yaml:"-"`
	// Issuer is the exact "iss" of its tokens.
	Issuer string `yaml:"issuer"`
	// Metadata is the OpenID configuration document's URL. Empty: Issuer +
	// "/.well-known/openid-configuration". Ignored when JWKSURI is set.
	Metadata string `yaml:"metadata"`
	// JWKSURI is the key set's URL, for issuers without metadata.
	JWKSURI string `yaml:"jwksUri"`
	// Algorithms the issuer may use. Default RS256. Never none or HS*.
	Algorithms []string `yaml:"algorithms"`
	// CAFile is a PEM bundle (site-relative) for the issuer's TLS; empty: system roots.
	CAFile string `yaml:"caFile"`
	// Audiences, where the issuer has others than Tokens.Audiences.
	Audiences []string `yaml:"audiences"`
	// TokenType is the "typ" to require: "at+jwt" or "JWT". Empty: "JWT"
	// rules of Entra (scp or roles needed, ID tokens refused).
	TokenType string `yaml:"tokenType"`
}

// TokenCaller maps tokens to a subscription. All conditions that are given
// have to hold; within one list any value is enough.
type TokenCaller struct {
	Pos Pos `yaml:"-"`
	// Subscription is the name of the subscription the caller acts under.
	Subscription string `yaml:"subscription"`
	// Issuer limits the rule to one issuer; empty: any trusted issuer.
	Issuer string `yaml:"issuer"`
	// ClientApplicationIDs are values of azp, appid or client_id.
	ClientApplicationIDs []string `yaml:"clientApplicationIds"`
	// Principals are values of oid, or sub where there is no oid.
	Principals []string `yaml:"principals"`
	Groups     []string `yaml:"groups"`
	Roles      []string `yaml:"roles"`
	// Scopes are values of scp (delegated tokens).
	Scopes []string `yaml:"scopes"`
}

// SubscriptionConfig declares a subscription, or adds keys to one of
// apim/subscriptions of the same name.
type SubscriptionConfig struct {
	Pos  Pos    `yaml:"-"`
	Name string `yaml:"name"`
	// Scope is "/apis" (all APIs), "/apis/ID" or "/products/ID".
	Scope string `yaml:"scope"`
	// State is Azure's: active (default), suspended, submitted, rejected,
	// cancelled, expired.
	State        string     `yaml:"state"`
	PrimaryKey   *SecretRef `yaml:"primaryKey"`
	SecondaryKey *SecretRef `yaml:"secondaryKey"`
	// BoundTo narrows who may use the subscription's keys.
	BoundTo *Binding `yaml:"boundTo"`
}

// Binding narrows the use of a subscription. Within one list any value is
// enough; every list that is given has to hold.
type Binding struct {
	Pos Pos `yaml:"-"`
	// Principals are values of oid (or sub) of the accompanying token.
	Principals []string `yaml:"principals"`
	// Certificates are SHA-256 fingerprints of the TLS client certificate,
	// lower-case hex.
	Certificates []string `yaml:"certificates"`
}

// SecretRef says where a secret rests. Exactly one field is set. A secret
// never stands in the file itself.
type SecretRef struct {
	Pos Pos `yaml:"-"`
	// File is absolute, or relative to the site's directory; one trailing
	// newline is dropped.
	File string `yaml:"file"`
	// Env is the name of an environment variable.
	Env string `yaml:"env"`
	// Credential is the name of a systemd credential.
	Credential string `yaml:"credential"`
	// KeyVault is a secret identifier of Azure Key Vault:
	// https://VAULT/secrets/NAME, with /VERSION to pin one.
	KeyVault string `yaml:"keyVault"`
}

// TrustedProxy is a peer that may say who the client is.
type TrustedProxy struct {
	Pos    Pos          `yaml:"-"`
	Prefix netip.Prefix `yaml:"prefix"`
	// ProxyProtocol is "v2" or empty.
	ProxyProtocol string `yaml:"proxyProtocol"`
	// ForwardedFor is the number of hops of X-Forwarded-For to walk from the
	// right; 0: the header is removed.
	ForwardedFor int `yaml:"forwardedFor"`
}

// PrivatePrefix is address space that counts as private.
type PrivatePrefix struct {
	Pos    Pos          `yaml:"-"`
	Prefix netip.Prefix `yaml:"prefix"`
	// Reason is required outside RFC 1918, RFC 6598 and fc00::/7.
	Reason string `yaml:"reason"`
}

// Destinations by class, see promise 1.
type Destinations struct {
	Pos       Pos           `yaml:"-"`
	Model     []Destination `yaml:"model"`
	Call      []Destination `yaml:"call"`
	Identity  []Destination `yaml:"identity"`
	Secret    []Destination `yaml:"secret"`
	Telemetry []Destination `yaml:"telemetry"`
	State     []Destination `yaml:"state"`
	Name      []Destination `yaml:"name"`
}

// Destination is one host and port that may be reached.
type Destination struct {
	Pos Pos `yaml:"-"`
	// Host is a DNS name or an IP address literal, never a pattern.
	Host string `yaml:"host"`
	// Port; default 443 (53 in class name).
	Port int `yaml:"port"`
	// Public accepts a public address, in every class but "model".
	Public bool `yaml:"public"`
	// Addresses pins the host: no name is asked, only these are connected to.
	Addresses []netip.Addr `yaml:"addresses"`
	// CAFile is a PEM bundle (site-relative) for the destination's TLS, in classes
	// "call" and "identity" only; empty: system roots. In class identity it is for
	// what policies fetch there: issuers and credentials have a caFile of their own.
	CAFile string `yaml:"caFile"`
}

// BackendConfig adds to a backend of apim/backends.
type BackendConfig struct {
	Pos Pos `yaml:"-"`
	// URL declares a backend that apim/backends does not hold.
	URL string `yaml:"url"`
	// Credential says how the gateway logs in. Exactly one.
	Credential BackendCredential `yaml:"credential"`
	// CAFile is a PEM bundle (site-relative); empty: system roots.
	CAFile string `yaml:"caFile"`
	// PassCallerToken lets the caller's own credential travel on (promise 3).
	PassCallerToken bool `yaml:"passCallerToken"`
	// MaxConnections bounds open connections to one host. Default 512.
	MaxConnections int `yaml:"maxConnections"`
}

// BackendCredential is what the gateway shows to a backend.
type BackendCredential struct {
	Pos Pos `yaml:"-"`
	// None: the backend asks for nothing.
	None bool `yaml:"none"`
	// ManagedIdentity takes a token through azidentity.
	ManagedIdentity *ManagedIdentity `yaml:"managedIdentity"`
	// APIKey sends a key in a header.
	APIKey *APIKey `yaml:"apiKey"`
	// ClientSecret takes a token with client credentials.
	ClientSecret *ClientSecret `yaml:"clientSecret"`
}

// ManagedIdentity is system-assigned when ClientID is empty.
type ManagedIdentity struct {
	Pos      Pos    `yaml:"-"`
	ClientID string `yaml:"clientId"`
	// Resource; default https://cognitiveservices.azure.com.
	Resource string `yaml:"resource"`
}

// APIKey is a key in a header.
type APIKey struct {
	Pos Pos `yaml:"-"`
	// Header; default "api-key".
	Header string     `yaml:"header"`
	Key    *SecretRef `yaml:"key"`
}

// ClientSecret is OAuth 2.0 client credentials at Entra ID.
type ClientSecret struct {
	Pos Pos `yaml:"-"`
	// Authority; default https://login.microsoftonline.com.
	Authority string     `yaml:"authority"`
	TenantID  string     `yaml:"tenantId"`
	ClientID  string     `yaml:"clientId"`
	Secret    *SecretRef `yaml:"secret"`
	// Scope; default https://cognitiveservices.azure.com/.default.
	Scope string `yaml:"scope"`
	// CAFile is a PEM bundle (site-relative) for the authority's TLS.
	CAFile string `yaml:"caFile"`
}

// Names configures name resolution.
type Names struct {
	Pos Pos `yaml:"-"`
	// Servers are HOST:PORT of DNS servers, or "system": those of
	// /etc/resolv.conf when the site was loaded. Each also has to stand in
	// destinations.name unless it is "system".
	Servers []string `yaml:"servers"`
}

// State says where durable state lives.
type State struct {
	Pos Pos `yaml:"-"`
	// Directory is absolute, or relative to the site's directory. Default "state".
	Directory string `yaml:"directory"`
	// Postgres is state that several gateways share; nil: embedded.
	Postgres *Postgres `yaml:"postgres"`
	// StaleAfter is how long shared state may be silent before the gateway
	// refuses. Default 5s.
	StaleAfter Duration `yaml:"staleAfter"`
	// Encryption is the key-encryption key of stored state; nil: the keys lie
	// in clear in Directory, readable by its owner alone.
	Encryption *Encryption `yaml:"encryption"`
}

// Postgres is a PostgreSQL database.
type Postgres struct {
	Pos Pos `yaml:"-"`
	// Host is a DNS name or an IP address, listed in destinations.state.
	Host string `yaml:"host"`
	// Port; default 5432.
	Port     int    `yaml:"port"`
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// Password; nil: the server asks for none.
	Password *SecretRef `yaml:"password"`
	// SSLMode is "verify-full" (the default) or, on loopback alone, "disable".
	SSLMode string `yaml:"sslMode"`
	// CAFile is a PEM bundle (site-relative); empty: system roots.
	CAFile string `yaml:"caFile"`
}

// Encryption names a key-encryption key. Exactly one field is set.
type Encryption struct {
	Pos      Pos          `yaml:"-"`
	KeyFile  *KeyFile     `yaml:"keyFile"`
	KeyVault *KeyVaultKey `yaml:"keyVault"`
}

// KeyFile is a key file that is sealed by a passphrase.
type KeyFile struct {
	Pos Pos `yaml:"-"`
	// File is absolute, or relative to the site's directory.
	File       string     `yaml:"file"`
	Passphrase *SecretRef `yaml:"passphrase"`
}

// KeyVaultKey is an RSA key in Azure Key Vault.
type KeyVaultKey struct {
	Pos Pos `yaml:"-"`
	// Key is the key identifier: https://VAULT/keys/NAME, with /VERSION to pin
	// one.
	Key string `yaml:"key"`
}

// KeyVault says how Azure Key Vaults are reached. Their hosts stand in
// destinations.secret.
type KeyVault struct {
	Pos Pos `yaml:"-"`
	// Credential is what the gateway shows: a managed identity (the default)
	// or a client secret. One of its fields is set.
	Credential VaultCredential `yaml:"credential"`
	// CAFile is a PEM bundle (site-relative); empty: system roots.
	CAFile string `yaml:"caFile"`
	// RefreshInterval is how often secrets without a version are looked at.
	// Default 5m.
	RefreshInterval Duration `yaml:"refreshInterval"`
}

// VaultCredential is what the gateway shows to a vault.
type VaultCredential struct {
	Pos             Pos              `yaml:"-"`
	ManagedIdentity *ManagedIdentity `yaml:"managedIdentity"`
	ClientSecret    *ClientSecret    `yaml:"clientSecret"`
}

// Audit configures the chained log in the state directory.
type Audit struct {
	Pos Pos `yaml:"-"`
	// Witness keeps checkpoints elsewhere; nil: a truncation is not found.
	Witness *Witness `yaml:"witness"`
	// Digests lists identifiers that stand in the log as keyed digests:
	// "principal", "client", "subscription".
	Digests []string `yaml:"digests"`
}

// Witness is where checkpoints go. Exactly one of File and URL is set.
type Witness struct {
	Pos Pos `yaml:"-"`
	// File on another volume; absolute.
	File string `yaml:"file"`
	// URL takes checkpoints by PUT and gives the last by GET; its host stands
	// in destinations.state.
	URL    string     `yaml:"url"`
	CAFile string     `yaml:"caFile"`
	Token  *SecretRef `yaml:"token"`
	// Interval is how often a checkpoint goes there at most. Default 10s.
	Interval Duration `yaml:"interval"`
}

// Admin roles, see [AdminRole].
const (
	RoleReader   = "reader"
	RoleOperator = "operator"
	RoleApprover = "approver"
	RoleAuditor  = "auditor"
)

// Admin opens the operator's door over TLS. Without a listener the Unix socket
// in the state directory is the only one.
type Admin struct {
	Pos Pos `yaml:"-"`
	// Listener is where it stands; nil: nowhere.
	Listener *Listener `yaml:"listener"`
	// Hostname is the one of hostnames whose certificate it shows; empty: the
	// default one.
	Hostname string `yaml:"hostname"`
	// ClientCA is a PEM file with CAs: operators by certificate need one.
	ClientCA string `yaml:"clientCA"`
	// Audiences are those of operators' tokens; tokens for callers do not
	// count here.
	Audiences []string    `yaml:"audiences"`
	Roles     []AdminRole `yaml:"roles"`
}

// AdminRole says who has a role. All conditions that are given have to hold;
// within one list any value is enough. A role may stand in several entries.
type AdminRole struct {
	Pos Pos `yaml:"-"`
	// Role is "reader", "operator", "approver" or "auditor".
	Role string `yaml:"role"`
	// Certificates are SHA-256 fingerprints, lower-case hex.
	Certificates []string `yaml:"certificates"`
	// Issuer limits the entry to tokens of one of tokens.issuers.
	Issuer               string   `yaml:"issuer"`
	ClientApplicationIDs []string `yaml:"clientApplicationIds"`
	Principals           []string `yaml:"principals"`
	Groups               []string `yaml:"groups"`
	Roles                []string `yaml:"roles"`
}

// Telemetry says where records, metrics and spans go.
type Telemetry struct {
	Pos Pos `yaml:"-"`
	// AccessLog is "stdout" (default), "stderr", or a file.
	AccessLog string `yaml:"accessLog"`
	// OTLP is the endpoint of an OTLP/HTTP collector; empty: no spans leave.
	OTLP OTLP `yaml:"otlp"`
	// LogBodies lists APIs whose prompts and completions may be recorded.
	// Known, not built: an error until it is.
	// (Kept out of this structure on purpose.)
}

// OTLP is an OpenTelemetry collector.
type OTLP struct {
	Pos Pos `yaml:"-"`
	// Endpoint is an http(s) URL without path.
	Endpoint string `yaml:"endpoint"`
	CAFile   string `yaml:"caFile"`
	// SampleRatio in [0,1]; default 1.
	SampleRatio *float64 `yaml:"sampleRatio"`
}

// DocumentedTokenLimit is the name of the token limits in [Policies].
const DocumentedTokenLimit = "llm-token-limit"

// Policies says which policies do as API Management documents, where the gateway
// is stricter by default, and whose requests may be traced.
type Policies struct {
	Pos Pos `yaml:"-"`
	// Trace are names of subscriptions.
	Trace []string `yaml:"trace"`
	// Documented are names of policies.
	Documented []string `yaml:"documented"`
}

// Limits are bounds on what one client may ask of the listener.
type Limits struct {
	Pos Pos `yaml:"-"`
	// MaxBodyBytes of a request; default 32 MiB, also its maximum for the
	// operations of the model API.
	MaxBodyBytes int64 `yaml:"maxBodyBytes"`
	// HeaderTimeout bounds reading a request head, TLS handshake included.
	// Default 5s.
	HeaderTimeout Duration `yaml:"headerTimeout"`
	// IdleTimeout of a kept-alive connection. Default 60s.
	IdleTimeout Duration `yaml:"idleTimeout"`
	// StreamIdleTimeout cuts a stream that moves no byte. Default 300s.
	StreamIdleTimeout Duration `yaml:"streamIdleTimeout"`
	// RequestTimeout bounds one request in all. Default 3600s.
	RequestTimeout Duration `yaml:"requestTimeout"`
	// RequestReadTimeout bounds receiving one request whole. Default 300s.
	RequestReadTimeout Duration `yaml:"requestReadTimeout"`
	// MaxConnections of the listener. Default 10000.
	MaxConnections int `yaml:"maxConnections"`
	// MaxConnectionsPerClient bounds open connections of one address (IPv6:
	// one /64). Default 2500.
	MaxConnectionsPerClient int `yaml:"maxConnectionsPerClient"`
	// MaxConnectionsPerPrefix bounds those of one IPv4 /24 or IPv6 /48.
	// Default 5000.
	MaxConnectionsPerPrefix int `yaml:"maxConnectionsPerPrefix"`
	// MaxRequestsPerClient bounds open requests of one client address (IPv6:
	// one /64), streams included. Default 5000.
	MaxRequestsPerClient int `yaml:"maxRequestsPerClient"`
	// MaxWebSocketsPerCaller bounds open WebSockets of one subscription, and
	// of one address where callers are anonymous. Default 100.
	MaxWebSocketsPerCaller int `yaml:"maxWebSocketsPerCaller"`
	// BanFor is how long a client that attacks is refused at first. Default 60s.
	BanFor Duration `yaml:"banFor"`
	// MemoryBytes is the memory that the overload ladder measures against; 0:
	// the container's limit, or GOMEMLIMIT, or the machine's memory.
	MemoryBytes int64 `yaml:"memoryBytes"`
}

// AcceptedField names a field that is meant to protect and is not built.
type AcceptedField struct {
	Pos Pos `yaml:"-"`
	// Path is FILE#FIELD.PATH, as the diagnostic prints it.
	Path   string `yaml:"path"`
	Reason string `yaml:"reason"`
}
