package site

import "time"

// Service is the apim/ folder: an APIOps artifacts folder of one API
// Management service. Ids are Azure's resource names (the last segment of the
// resource id), compared without case.
type Service struct {
	// Policy is the global policy.xml; nil: none.
	Policy        *PolicyFile
	APIs          []*API
	Products      []*Product
	Backends      []*Backend
	NamedValues   []*NamedValue
	Fragments     []*Fragment
	Schemas       []*Schema
	VersionSets   []*VersionSet
	Subscriptions []*Subscription
	Groups        []*Group
	Tags          []*Tag
	Gateways      []*GatewayResource
	Loggers       []*Logger
	Diagnostics   []*Diagnostic
}

// PolicyFile is the text of a policy document.
type PolicyFile struct {
	// Path is relative to the site's directory.
	Path   string
	Source []byte
}

// API is one revision of one version of an API.
type API struct {
	Pos Pos
	// ID is the resource name without ";rev=N".
	ID string
	// Name is properties.displayName.
	Name string
	// Path below the host, without slashes at its ends; may be empty.
	Path string
	// Revision is "1" where the document does not say.
	Revision  string
	IsCurrent bool
	// Version is the version identifier; empty with no version set, and for
	// the "original" version of a set.
	Version string
	// VersionSetID names a VersionSet; empty: not versioned.
	VersionSetID string
	ServiceURL   string
	// SubscriptionRequired; default true, as in Azure.
	SubscriptionRequired bool
	// SubscriptionKeyHeader; default "Ocp-Apim-Subscription-Key".
	SubscriptionKeyHeader string
	// SubscriptionKeyQuery; default "subscription-key".
	SubscriptionKeyQuery string
	// Protocols is "https" or "wss": callers are never served in clear.
	Protocols []string
	// Type is "http" or "websocket".
	Type       string
	Operations []*Operation
	// Specification is the API's OpenAPI document; nil: it has none.
	Specification *Specification
	Policy        *PolicyFile
	// Tags, Description and others without effect are not kept.

	// ServiceURLPos is the place of ServiceURL.
	ServiceURLPos Pos
}

// Operation is one operation of an API.
type Operation struct {
	Pos Pos
	ID  string
	// Name is the display name.
	Name string
	// Method in upper case; "*" any.
	Method string
	// URLTemplate begins with "/": "/deployments/{deployment-id}/chat/completions".
	URLTemplate string
	Policy      *PolicyFile
}

// Product groups APIs.
type Product struct {
	Pos  Pos
	ID   string
	Name string
	// SubscriptionRequired; default true.
	SubscriptionRequired bool
	ApprovalRequired     bool
	// Published is state == "published".
	Published bool
	// APIs and Groups are ids.
	APIs   []string
	Groups []string
	Policy *PolicyFile
}

// Backend is where requests go.
type Backend struct {
	Pos Pos
	ID  string
	// URL of a single backend: scheme, host, optional path. Empty for pools.
	URL string
	// Pool is the services of a backend of type "Pool".
	Pool []PoolMember
	// Headers and Query are credentials.header and credentials.query.
	Headers map[string][]string
	Query   map[string][]string
	// ValidateChain and ValidateName are tls.validateCertificate*; default true.
	ValidateChain bool
	ValidateName  bool
	// Breaker is when the backend is left alone; nil: never.
	Breaker *CircuitBreaker
	// AffinityCookie names the cookie by which the requests of one session go to
	// one member of a pool; empty: they do not.
	AffinityCookie string

	// URLPos is the place of URL.
	URLPos Pos
}

// PoolMember is one service of a pool. Priority 0 is tried first; Weight
// splits within a priority and is 1 where not given.
type PoolMember struct {
	Pos      Pos
	Backend  string
	Priority int
	Weight   int
}

// CircuitBreaker is the rule by which a backend is left alone for a while.
type CircuitBreaker struct {
	Pos  Pos
	Name string
	// Count failures within Interval trip it, or Percentage of the requests; the
	// one that is 0 does not count.
	Count, Percentage int
	Interval          time.Duration
	// Statuses and Reasons are what counts as a failure.
	Statuses []StatusRange
	Reasons  []string
	// Trip is how long; AcceptRetryAfter: the backend's Retry-After goes before.
	Trip             time.Duration
	AcceptRetryAfter bool
}

// StatusRange is the statuses from Min to Max.
type StatusRange struct{ Min, Max int }

// Reasons of a [CircuitBreaker]. ServerErrors stands for the others.
const (
	ConnectionFailure = "BackendConnectionFailure"
	TimeoutFailure    = "Timeout"
	ServerErrors      = "Server errors"
)

// NamedValue is text for {{name}} in policies.
type NamedValue struct {
	Pos Pos
	// ID is the resource name, Name the display name that policies use.
	ID, Name string
	Value    string
	Secret   bool
	// KeyVault is the secret identifier where the value rests in Key Vault.
	KeyVault string
	// Ref says where the value rests, from cloister.yaml namedValues; Value is
	// empty then, and whoever compiles policies resolves Ref first. Nil where
	// the document holds the value, or where nothing uses it.
	Ref *SecretRef
}

// Fragment is a policy fragment.
type Fragment struct {
	Pos    Pos
	ID     string
	Policy *PolicyFile
}

// Versioning schemes.
const (
	VersioningSegment = "Segment"
	VersioningQuery   = "Query"
	VersioningHeader  = "Header"
)

// VersionSet says how a caller names the version of an API.
type VersionSet struct {
	Pos    Pos
	ID     string
	Name   string
	Scheme string
	// QueryName and HeaderName, by Scheme.
	QueryName  string
	HeaderName string
}

// Subscription is a document of apim/subscriptions. It never holds keys.
type Subscription struct {
	Pos Pos
	// ID is the subscription's name in Azure's resource id.
	ID string
	// Name is the display name.
	Name string
	// Scope is "/apis", "/apis/ID" or "/products/ID" (any prefix before is
	// dropped).
	Scope string
	// State in lower case: "active", "suspended", …
	State string
}

// Group, Tag, GatewayResource and Diagnostic are kept by name; they have no
// effect on requests yet. Loggers are for log-to-eventhub.
type (
	Group struct {
		Pos      Pos
		ID, Name string
	}
	Tag struct {
		Pos      Pos
		ID, Name string
	}
	GatewayResource struct {
		Pos Pos
		ID  string
	}
	Logger struct {
		Pos      Pos
		ID, Type string
		// Hub, ConnectionString, Endpoint and ClientID are credentials.name,
		// .connectionString, .endpointAddress and .identityClientId; each may hold
		// {{named values}}. SystemAssigned is a ClientID of "SystemAssigned".
		Hub, ConnectionString, Endpoint, ClientID string
		SystemAssigned                            bool
		// CredentialsPos is where the credentials stand.
		CredentialsPos Pos
	}
	// Diagnostic belongs to the service (API empty) or to one API.
	Diagnostic struct {
		Pos               Pos
		ID, API, LoggerID string
	}
)

// Site is a loaded site: data with positions, never behaviour. It is
// immutable after [Load].
type Site struct {
	// Dir is the absolute directory it was loaded from.
	Dir string
	// Digest is "sha256:" + hex over every file's path and content.
	Digest string
	Config *Config
	// Service is empty, never nil, where there is no apim/ folder.
	Service *Service
	// Network is empty, never nil, where there is no network/ folder.
	Network *Network
	// Files is the content of every file that was read, by relative path.
	Files map[string][]byte
}
