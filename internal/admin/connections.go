package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/cloister-ai/cloister/internal/store"
)

// Connection is a private endpoint of the site with the state of its connection.
type Connection struct {
	Name string `json:"name"`
	// Service is the ARM id of the service, GroupIDs its sub-resources.
	Service  string   `json:"service"`
	GroupIDs []string `json:"groupIds"`
	// Hosts are the names by which the service is called.
	Hosts     []string     `json:"hosts"`
	Addresses []netip.Addr `json:"addresses"`
	// Subnet is NETWORK/NAME.
	Subnet string `json:"subnet"`
	// State is Azure's: Pending, Approved, Rejected, Disconnected.
	State       string `json:"state"`
	Description string `json:"description,omitempty"`
	// Source of the state: "site" as long as the document's own counts, "state"
	// once it was decided.
	Source string `json:"source"`
	// By is who decided, Decided when.
	By      string    `json:"by,omitempty"`
	Decided time.Time `json:"decided,omitzero"`
}

// DecideConnection is the body of POST /v1/network/connections/{name}/approve,
// reject and remove.
type DecideConnection struct {
	// Description is the reason, for people.
	Description string `json:"description,omitempty"`
}

// Decision is what [Actions.Decide] is asked for.
type Decision struct {
	// Name of the endpoint; Act is "approve", "reject" or "remove".
	Name, Act   string
	Description string
	// Actor is who decides.
	Actor string
}

func listConnections(ctx context.Context, d *Door, _ *call) (any, error) {
	list, err := d.Connections(ctx)
	if err == nil && list == nil {
		list = []Connection{}
	}
	return list, err
}

func decideConnection(act string) func(context.Context, *Door, *call) (any, error) {
	return func(ctx context.Context, d *Door, c *call) (any, error) {
		var in DecideConnection
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		before, after, err := d.Decide(ctx, Decision{Name: c.target, Act: act, Description: in.Description, Actor: c.actor.Name})
		var known *Error
		var invalid *store.InvalidError
		switch {
		case errors.As(err, &known):
			return nil, known
		case errors.As(err, &invalid):
			return nil, &Error{Status: http.StatusBadRequest, Message: err.Error(), Err: err}
		case err != nil:
			return nil, &Error{Status: http.StatusServiceUnavailable, Message: err.Error(), Err: err}
		}
		c.target = after.Name
		c.before, c.after = recordedState(before), recordedState(after)
		return after, nil
	}
}

// recordedConnection is what records say of a connection.
type recordedConnection struct {
	State       string       `json:"state"`
	Description string       `json:"description,omitempty"`
	Service     string       `json:"service"`
	Addresses   []netip.Addr `json:"addresses"`
}

func recordedState(c Connection) recordedConnection {
	return recordedConnection{c.State, c.Description, c.Service, c.Addresses}
}

// Connections lists the private endpoints of the site in force.
func (c *Client) Connections(ctx context.Context) ([]Connection, error) {
	var list []Connection
	return list, c.call(ctx, http.MethodGet, connectionsPath, nil, &list)
}

// ApproveConnection lets traffic through an endpoint.
func (c *Client) ApproveConnection(ctx context.Context, name string, in DecideConnection) (Connection, error) {
	return c.decideConnection(ctx, name, "approve", in)
}

// RejectConnection lets none through.
func (c *Client) RejectConnection(ctx context.Context, name string, in DecideConnection) (Connection, error) {
	return c.decideConnection(ctx, name, "reject", in)
}

// RemoveConnection disconnects an endpoint for good.
func (c *Client) RemoveConnection(ctx context.Context, name string, in DecideConnection) (Connection, error) {
	return c.decideConnection(ctx, name, "remove", in)
}

const connectionsPath = "/v1/network/connections"

func (c *Client) decideConnection(ctx context.Context, name, act string, in DecideConnection) (Connection, error) {
	var out Connection
	return out, c.call(ctx, http.MethodPost, connectionsPath+"/"+url.PathEscape(name)+"/"+act, in, &out)
}
