package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/cloister-ai/cloister/internal/audit"
)

// Client calls a door: that of the gateway that owns a state directory, one
// over TLS, or one in this process.
type Client struct {
	http *http.Client
	base string
	// path of the socket; empty: it is another door.
	path  string
	token func() string
}

// Error is a call that was not carried out.
type Error struct {
	// Status is the door's answer; 0: it was not reached.
	Status int
	// Message is for the operator.
	Message string
	// Mend says what to do; may be empty.
	Mend string
	Err  error
}

func (e *Error) Error() string {
	if e.Mend != "" {
		return e.Message + "; mend: " + e.Mend
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// ErrNobody: no gateway runs with the state directory. It is wrapped by an
// [*Error].
var ErrNobody = errors.New("nobody listens")

// callTimeout bounds a call: a reload may wait for tokens and names.
const callTimeout = 2 * time.Minute

// NewClient is a client for the gateway of a state directory. It connects with
// the first call.
func NewClient(dir string) *Client {
	path := filepath.Join(dir, SocketName)
	return &Client{path: path, base: "http://gateway", http: &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			// A Unix socket is no connection to anywhere: the egress dialer,
			// which judges addresses, has no say in it.
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		},
	}}
}

// NewRemoteClient is a client for a door over TLS at an https URL without
// path. Token gives the bearer token; nil: client's certificate says who asks.
func NewRemoteClient(client *http.Client, base string, token func() string) *Client {
	return &Client{http: client, base: base, token: token}
}

// NewLocalClient is a client for a door in this process, for who owns the
// state directory while no gateway runs.
func NewLocalClient(door *Door, actor Actor) *Client {
	return &Client{base: "http://local", http: &http.Client{Transport: localTransport{door, actor}}}
}

// Listening reports whether a gateway listens on the socket of a state
// directory. It is not asked anything.
func Listening(ctx context.Context, dir string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, SocketName))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Reload has the gateway load its site anew.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	var r Reloaded
	return r, c.call(ctx, http.MethodPost, "/v1/reload", nil, &r)
}

// Status asks how the gateway is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Health asks whether the gateway takes requests.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	return h, c.call(ctx, http.MethodGet, "/v1/health", nil, &h)
}

// Subscriptions lists every subscription.
func (c *Client) Subscriptions(ctx context.Context) ([]Subscription, error) {
	var s []Subscription
	return s, c.call(ctx, http.MethodGet, "/v1/subscriptions", nil, &s)
}

// Subscription shows one.
func (c *Client) Subscription(ctx context.Context, name string) (Subscription, error) {
	var s Subscription
	return s, c.call(ctx, http.MethodGet, subscriptionPath(name), nil, &s)
}

// CreateSubscription makes one and its keys.
func (c *Client) CreateSubscription(ctx context.Context, in CreateSubscription) (Keys, error) {
	var k Keys
	return k, c.call(ctx, http.MethodPost, "/v1/subscriptions", in, &k)
}

// RotateKey makes "primary", "secondary" or "both" keys anew.
func (c *Client) RotateKey(ctx context.Context, name, key string) (Keys, error) {
	var k Keys
	return k, c.call(ctx, http.MethodPost, subscriptionPath(name)+"/rotate", RotateKey{key}, &k)
}

// SuspendSubscription lets it open nothing.
func (c *Client) SuspendSubscription(ctx context.Context, name string) (Subscription, error) {
	var s Subscription
	return s, c.call(ctx, http.MethodPost, subscriptionPath(name)+"/suspend", nil, &s)
}

// ActivateSubscription lets it in again.
func (c *Client) ActivateSubscription(ctx context.Context, name string) (Subscription, error) {
	var s Subscription
	return s, c.call(ctx, http.MethodPost, subscriptionPath(name)+"/activate", nil, &s)
}

// DeleteSubscription deletes it and says what it was.
func (c *Client) DeleteSubscription(ctx context.Context, name string) (Subscription, error) {
	var s Subscription
	return s, c.call(ctx, http.MethodDelete, subscriptionPath(name), nil, &s)
}

func subscriptionPath(name string) string { return "/v1/subscriptions/" + url.PathEscape(name) }

// RotateState makes a new data key.
func (c *Client) RotateState(ctx context.Context) (KeysRotated, error) {
	var k KeysRotated
	return k, c.call(ctx, http.MethodPost, "/v1/state/rotate", nil, &k)
}

// Audit reads records; from may be negative, counted from the end.
func (c *Client) Audit(ctx context.Context, from int64, limit int) (AuditPage, error) {
	var p AuditPage
	q := url.Values{"from": {strconv.FormatInt(from, 10)}, "limit": {strconv.Itoa(limit)}}
	return p, c.call(ctx, http.MethodGet, "/v1/audit?"+q.Encode(), nil, &p)
}

// AuditProof is the proof that a record is in the log.
func (c *Client) AuditProof(ctx context.Context, index uint64) (*audit.Proof, error) {
	p := new(audit.Proof)
	return p, c.call(ctx, http.MethodGet, "/v1/audit/proof?index="+strconv.FormatUint(index, 10), nil, p)
}

// AuditDigest is the keyed digest of an identifier in the log.
func (c *Client) AuditDigest(ctx context.Context, kind, value string) (string, error) {
	var a AuditDigest
	return a.Digest, c.call(ctx, http.MethodPost, "/v1/audit/digest", DigestOf{kind, value}, &a)
}

// Backup copies the durable state to w. Whether it is whole, its end says.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodPost, "/v1/backup", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return &Error{Message: "the backup broke off: " + err.Error(), Err: err}
	}
	return nil
}

// maxAnswer bounds an answer: a list of a hundred thousand subscriptions comes
// to some twenty megabytes.
const maxAnswer = 64 << 20

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &Error{Message: "the gateway's answer broke off: " + err.Error(), Err: err}
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &Error{Message: "the gateway's answer is not understood: " + err.Error(), Err: err}
	}
	return nil
}

// do sends a call; an answer that is not 200 is an error.
func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != nil {
		req.Header.Set("Authorization", "Bearer "+c.token())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var f failure
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return nil, &Error{Status: resp.StatusCode, Message: "the gateway's answer broke off: " + err.Error(), Err: err}
	case json.Unmarshal(b, &f) != nil || f.Error == "":
		f.Error = resp.Status
	}
	return nil, &Error{Status: resp.StatusCode, Message: f.Error, Mend: f.Mend}
}

// unreached says why nobody answered, in the words that help.
func (c *Client) unreached(err error) error {
	message := "asking the gateway: " + err.Error()
	switch {
	case c.path == "":
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		message, err = fmt.Sprintf("no gateway runs with the state directory %s", filepath.Dir(c.path)), ErrNobody
	case errors.Is(err, fs.ErrPermission):
		message = "only the gateway's own user and root may call it"
	}
	return &Error{Message: message, Err: err}
}
