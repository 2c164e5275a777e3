package admin

import (
	"encoding/json"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// SocketName is the socket's name in the state directory.
const SocketName = "admin.sock"

// Reloaded is the answer to POST /v1/reload.
type Reloaded struct {
	// Accepted: the new site is in force.
	Accepted bool `json:"accepted"`
	// Before and After are the digests of the sites in force.
	Before string `json:"before"`
	After  string `json:"after"`
	// Problems of the new site.
	Problems site.Problems `json:"problems"`
}

// Health is the answer to GET /v1/health.
type Health struct {
	// Ready: the gateway takes requests.
	Ready bool `json:"ready"`
	// Reason is why it does not; empty when it does.
	Reason string `json:"reason,omitempty"`
}

// Status is the answer to GET /v1/status.
type Status struct {
	Version string `json:"version"`
	// PID of the gateway; 0: nobody runs, the state directory was asked.
	PID     int       `json:"pid"`
	Started time.Time `json:"started,omitzero"`
	Site    string    `json:"site"`
	// Digest of the site in force.
	Digest string `json:"digest"`
	// Running: a gateway owns the state directory.
	Running bool `json:"running"`
	Ready   bool `json:"ready"`
	// NotReady is why it takes no requests; empty when it does.
	NotReady string `json:"notReady,omitempty"`
	// Listeners are the addresses that callers connect to.
	Listeners []string `json:"listeners"`
	// Requests and Connections are those that are open now.
	Requests     int           `json:"requests"`
	Connections  int           `json:"connections"`
	LastReload   *LastReload   `json:"lastReload,omitempty"`
	Destinations []Destination `json:"destinations"`
	// Members are the members of pools.
	Members  []Member    `json:"members,omitempty"`
	Overload *Overload   `json:"overload,omitempty"`
	State    StateStatus `json:"state"`
	Audit    AuditStatus `json:"audit"`
}

// LastReload is how the last reload went.
type LastReload struct {
	Time     time.Time `json:"time"`
	Accepted bool      `json:"accepted"`
	// Errors is how many errors the refused site had.
	Errors int `json:"errors"`
}

// Destination is one that the gateway may connect to.
type Destination struct {
	Class string `json:"class"`
	Host  string `json:"host"`
	Port  int    `json:"port"`
	// Public: a public address is accepted.
	Public bool `json:"public"`
}

// Member is one member of a pool of backends.
type Member struct {
	Member string `json:"member"`
	Host   string `json:"host"`
	// AsideUntil is until when others are chosen first; zero: it is in use.
	AsideUntil time.Time `json:"asideUntil,omitzero"`
	// OpenUntil is when its circuit closes; zero: it is closed. BusyUntil is until
	// when it has asked to be left alone.
	OpenUntil time.Time `json:"openUntil,omitzero"`
	BusyUntil time.Time `json:"busyUntil,omitzero"`
	// Failures is how often in a row it could not be connected to, Error why.
	Failures int    `json:"failures,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Overload is how near the gateway is to its limits.
type Overload struct {
	// Level is "normal", or the step of the ladder that is in force.
	Level string `json:"level"`
	// Pressure by resource, 1 is the limit.
	Pressure map[string]float64 `json:"pressure"`
	// Bans is how many clients are banned now; Banned are those that are
	// banned longest, ten at most.
	Bans   int   `json:"bans"`
	Banned []Ban `json:"banned,omitempty"`
}

// Ban is one client that is refused for a while.
type Ban struct {
	Client string `json:"client"`
	Cause  string `json:"cause"`
	// LeftSeconds is how long it still lasts.
	LeftSeconds int `json:"leftSeconds"`
}

// StateStatus is where durable state lives and how it is.
type StateStatus struct {
	// Driver is "sqlite" or "postgresql".
	Driver string `json:"driver"`
	// Place is the file, or host, port and name of the database.
	Place string `json:"place"`
	// Error is why the database does not answer; empty when it does.
	Error string `json:"error,omitempty"`
	// Schema is the step of the schema.
	Schema   int    `json:"schema"`
	Revision uint64 `json:"revision"`
	// Subscriptions is how many are stored.
	Subscriptions int `json:"subscriptions"`
	// KeyEncryptionKey names the key-encryption key; empty: keys lie in clear.
	KeyEncryptionKey string `json:"keyEncryptionKey,omitempty"`
	// RestoredFrom is the time of the backup that was restored, while nobody has
	// accepted that what came after it may be lost; zero: there is none.
	RestoredFrom time.Time `json:"restoredFrom,omitzero"`
	// Edited says how the state was changed by somebody else than a gateway,
	// while nobody has accepted that; empty: it was not.
	Edited string `json:"edited,omitempty"`
	// Heard is when shared state was last known to be current.
	Heard time.Time `json:"heard"`
}

// AuditStatus is how far the audit log is.
type AuditStatus struct {
	// Size counts records, Durable those on disk, Published those in tiles.
	Size      uint64 `json:"size"`
	Durable   uint64 `json:"durable"`
	Published uint64 `json:"published"`
	// Checkpoint is the last published one, a signed note.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Verifier is the key that the log is verified with.
	Verifier string `json:"verifier,omitempty"`
	// PublishError is why records are on disk and not published.
	PublishError string `json:"publishError,omitempty"`
	// Error is why the log cannot be written; empty when it can.
	Error string `json:"error,omitempty"`
	// Witnessed is when the witness last took a checkpoint; zero: never, or
	// there is none.
	Witnessed    time.Time `json:"witnessed,omitzero"`
	WitnessError string    `json:"witnessError,omitempty"`
}

// Subscription is one without its keys, which are shown once, when they are
// made.
type Subscription struct {
	Name string `json:"name"`
	// DisplayName is for people.
	DisplayName string `json:"displayName,omitempty"`
	// Scope is "/apis", "/apis/ID" or "/products/ID".
	Scope string `json:"scope"`
	// State is Azure's: active, suspended, submitted, rejected, cancelled,
	// expired.
	State string `json:"state"`
	// PrimaryKey and SecondaryKey say that there is such a key.
	PrimaryKey   bool `json:"primaryKey"`
	SecondaryKey bool `json:"secondaryKey"`
	// Source is "state" or, for those that the site declares, "site".
	Source  string    `json:"source"`
	Created time.Time `json:"created,omitzero"`
	Updated time.Time `json:"updated,omitzero"`
}

// Keys are a subscription's keys, shown once.
type Keys struct {
	Name string `json:"name"`
	// PrimaryKey and SecondaryKey; one that was not made now is empty.
	PrimaryKey   string `json:"primaryKey,omitempty"`
	SecondaryKey string `json:"secondaryKey,omitempty"`
}

// CreateSubscription is the body of POST /v1/subscriptions.
type CreateSubscription struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	// Scope; empty: that of the site's document of this name, else "/apis".
	Scope string `json:"scope,omitempty"`
}

// RotateKey is the body of POST /v1/subscriptions/{name}/rotate.
type RotateKey struct {
	// Key is "primary", "secondary" or "both".
	Key string `json:"key"`
}

// KeysRotated is the answer to POST /v1/state/rotate.
type KeysRotated struct {
	// DataKey is the id of the data key in force.
	DataKey string `json:"dataKey"`
	// KeyEncryptionKey is the key-encryption key that wraps it; empty: none.
	KeyEncryptionKey string `json:"keyEncryptionKey,omitempty"`
}

// AuditEntry is one record of the audit log.
type AuditEntry struct {
	Index uint64 `json:"index"`
	// Record as it stands in the log.
	Record json.RawMessage `json:"record"`
}

// AuditPage is the answer to GET /v1/audit.
type AuditPage struct {
	// Size is how many records the log has.
	Size    uint64       `json:"size"`
	Entries []AuditEntry `json:"entries"`
}

// AuditDigest is the answer to POST /v1/audit/digest.
type AuditDigest struct {
	Digest string `json:"digest"`
}

// DigestOf is the body of POST /v1/audit/digest.
type DigestOf struct {
	// Kind is "principal", "client" or "subscription".
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// failure is the answer to a call that failed.
type failure struct {
	Error string `json:"error"`
	// Mend says what to do; may be empty.
	Mend string `json:"mend,omitempty"`
}
