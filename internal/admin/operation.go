package admin

import (
	"context"
	"io"
	"net/http"

	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// operation is one thing that can be asked at the door. The table below is
// what the server routes by and what the OpenAPI document is written from.
type operation struct {
	// action is its name in the audit log.
	action  string
	method  string
	pattern string
	// role that is needed, one of site's roles; or is another one that does as
	// well, empty: there is none.
	role, or string
	// changes: it is an act, whose record is durable before it begins.
	changes bool
	// always: it is carried out even where no record of it can be written,
	// because it is how an operator finds out.
	always bool
	short  string
	// body and answer are samples of what is sent and what is answered, for
	// the OpenAPI document; nil: nothing. A query parameter is in params.
	body, answer any
	params       []param
	// prepare reads the request before the act's first record, so that this one
	// says what it is about; nil: the path says it.
	prepare func(c *call) error
	run     func(ctx context.Context, d *Door, c *call) (any, error)
}

// param is a parameter in the query.
type param struct{ name, doc string }

// stream is an answer that is bytes, not JSON.
type stream func(ctx context.Context, w io.Writer) error

// roles are those that may ask for it, for people.
func (op operation) roles() string {
	if op.or == "" {
		return op.role
	}
	return op.role + " or " + op.or
}

// operations are all that the door does.
func operations() []operation {
	return []operation{
		{action: "status", method: http.MethodGet, pattern: "/v1/status", role: site.RoleReader, always: true,
			short: "Who runs, with what site, and how it is.", answer: Status{}, run: status},
		{action: "health", method: http.MethodGet, pattern: "/v1/health", role: site.RoleReader, always: true,
			short: "Whether the gateway takes requests.", answer: Health{}, run: health},
		{action: "openapi", method: http.MethodGet, pattern: "/v1/openapi.json", role: site.RoleReader, always: true,
			short: "This document.", answer: map[string]any{}, run: openAPI},
		{action: "reload", method: http.MethodPost, pattern: "/v1/reload", role: site.RoleOperator, changes: true,
			short: "Load the site anew.", answer: Reloaded{}, run: reload},
		{action: "subscription.list", method: http.MethodGet, pattern: "/v1/subscriptions", role: site.RoleReader,
			short: "Every subscription, without keys.", answer: []Subscription{}, run: listSubscriptions},
		{action: "subscription.create", method: http.MethodPost, pattern: "/v1/subscriptions", role: site.RoleOperator, changes: true,
			short: "Make a subscription; its keys are shown this once.", body: CreateSubscription{}, answer: Keys{}, prepare: prepareCreate, run: createSubscription},
		{action: "subscription.show", method: http.MethodGet, pattern: "/v1/subscriptions/{name}", role: site.RoleReader,
			short: "One subscription, without keys.", answer: Subscription{}, run: showSubscription},
		{action: "subscription.delete", method: http.MethodDelete, pattern: "/v1/subscriptions/{name}", role: site.RoleOperator, changes: true,
			short: "Delete a subscription; its open streams are cut.", answer: Subscription{}, run: deleteSubscription},
		{action: "subscription.rotate", method: http.MethodPost, pattern: "/v1/subscriptions/{name}/rotate", role: site.RoleOperator, changes: true,
			short: "Make keys anew; they are shown this once, and the old ones end.", body: RotateKey{}, answer: Keys{}, run: rotateKey},
		{action: "subscription.suspend", method: http.MethodPost, pattern: "/v1/subscriptions/{name}/suspend", role: site.RoleOperator, changes: true,
			short: "Let a subscription open nothing; its open streams are cut.", answer: Subscription{}, run: suspendSubscription},
		{action: "subscription.activate", method: http.MethodPost, pattern: "/v1/subscriptions/{name}/activate", role: site.RoleOperator, changes: true,
			short: "Let a subscription in again.", answer: Subscription{}, run: activateSubscription},
		{action: "connection.list", method: http.MethodGet, pattern: "/v1/network/connections", role: site.RoleReader,
			short: "The private endpoints of the site, with the states of their connections.", answer: []Connection{}, run: listConnections},
		{action: "connection.approve", method: http.MethodPost, pattern: "/v1/network/connections/{name}/approve", role: site.RoleOperator, or: site.RoleApprover, changes: true,
			short: "Let traffic through a private endpoint that is pending or rejected.", body: DecideConnection{}, answer: Connection{}, run: decideConnection("approve")},
		{action: "connection.reject", method: http.MethodPost, pattern: "/v1/network/connections/{name}/reject", role: site.RoleOperator, or: site.RoleApprover, changes: true,
			short: "Let no traffic through a private endpoint; what is open through it is cut.", body: DecideConnection{}, answer: Connection{}, run: decideConnection("reject")},
		{action: "connection.remove", method: http.MethodPost, pattern: "/v1/network/connections/{name}/remove", role: site.RoleOperator, changes: true,
			short: "Disconnect a private endpoint for good; what is open through it is cut.", body: DecideConnection{}, answer: Connection{}, run: decideConnection("remove")},
		{action: "backup", method: http.MethodPost, pattern: "/v1/backup", role: site.RoleOperator, changes: true,
			short: "The durable state, as it is now.", answer: stream(nil), run: backup},
		{action: "state.rotate", method: http.MethodPost, pattern: "/v1/state/rotate", role: site.RoleOperator, changes: true,
			short: "A new data key, wrapped by the newest version of the key-encryption key.", answer: KeysRotated{}, run: rotateState},
		{action: "trace.list", method: http.MethodGet, pattern: "/v1/traces", role: site.RoleAuditor,
			short: "The latest requests that were traced.", answer: []TraceLine{}, run: listTraces},
		{action: "trace.show", method: http.MethodGet, pattern: "/v1/traces/{name}", role: site.RoleAuditor,
			short: "What policies did with a request. Prompts and completions may stand in it.", answer: policy.Trace{}, run: showTrace},
		{action: "audit.read", method: http.MethodGet, pattern: "/v1/audit", role: site.RoleAuditor,
			short: "Records of the audit log.", answer: AuditPage{}, run: readAudit,
			params: []param{{"from", "index of the first record; negative: counted from the end"}, {"limit", "how many at most, up to 1000"}}},
		{action: "audit.prove", method: http.MethodGet, pattern: "/v1/audit/proof", role: site.RoleAuditor,
			short: "Proof that a record is in the log.", answer: "", run: proveAudit,
			params: []param{{"index", "the record's index"}}},
		{action: "audit.digest", method: http.MethodPost, pattern: "/v1/audit/digest", role: site.RoleAuditor,
			short: "The keyed digest by which an identifier stands in the log.", body: DigestOf{}, answer: AuditDigest{}, run: digestOf},
	}
}
