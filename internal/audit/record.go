package audit

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Position is the index of a record plus one; 0 stands for no record.
type Position uint64

// What a record is about.
const (
	KindAccess = "access" // a request of a caller, and what was decided
	KindAdmin  = "admin"  // an act of an operator
	KindConfig = "config" // the site in force changed
	KindLog    = "log"    // the log itself: it begins anew
)

// Record is one line of the log, a JSON object. Empty members are left out.
// Values that are too long are cut, and "truncated" names their members.
type Record struct {
	// Time is when it happened; zero: when it was appended.
	Time time.Time `json:"time"`
	// Kind is one of the constants.
	Kind string `json:"kind,omitempty"`
	// Action is what was done: "request", "subscription.create", "reload".
	Action string `json:"action,omitempty"`
	// Phase is "begin" before an administrative act, "done" or "failed" after.
	Phase string `json:"phase,omitempty"`
	// Actor is "os:UID:NAME", "subscription:NAME", "token:ID",
	// "certificate:FINGERPRINT" or "nobody".
	Actor string `json:"actor,omitempty"`
	// Outcome is "allow", "deny", "done" or "failed".
	Outcome string `json:"outcome,omitempty"`
	// Reasons are codes that the documentation explains; at most 64.
	Reasons   []string `json:"reasons,omitempty"`
	RequestID string   `json:"request_id,omitempty"`
	// Client is who asked; Peer is the other end of the connection.
	Client netip.Addr `json:"client,omitzero"`
	Peer   netip.Addr `json:"peer,omitzero"`
	// ClientDigest and PeerDigest stand in the line in their place where they
	// are hidden. Append ignores what is given here.
	ClientDigest string `json:"client_digest,omitempty"`
	PeerDigest   string `json:"peer_digest,omitempty"`
	API          string `json:"api,omitempty"`
	Operation    string `json:"operation,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Deployment   string `json:"deployment,omitempty"`
	Model        string `json:"model,omitempty"`
	// Endpoint is the private endpoint that leads to the backend, with its
	// addresses: "openai 10.1.3.4"; of a pool those of all members.
	Endpoint string `json:"endpoint,omitempty"`
	// Status is that of the answer in HTTP; 0: there was none.
	Status int `json:"status,omitempty"`
	// Target is what an act was done to: "subscription:NAME".
	Target string `json:"target,omitempty"`
	// Before and After are the target's state in JSON, never a secret.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Site is the digest of the site in force.
	Site   string `json:"site,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Count is how many equal events the record stands for; 0: one.
	Count int `json:"count,omitempty"`
	// Truncated names the members that were cut. Append sets it in the line,
	// never in the record that it is given.
	Truncated []string `json:"truncated,omitempty"`
}

// What Options.Hide may name.
const (
	HidePrincipal    = "principal"    // IDs of tokens and fingerprints of certificates, in Actor
	HideClient       = "client"       // Client and Peer
	HideSubscription = "subscription" // Subscription, and "subscription:NAME" in Actor and Target
)

// Entry is a record as it stands in the log.
type Entry struct {
	Index uint64
	// Raw is the line, without a line break: what the log's hashes are over.
	Raw json.RawMessage
}

// Record decodes the line.
func (e Entry) Record() (Record, error) {
	var r Record
	err := json.Unmarshal(e.Raw, &r)
	return r, err
}
