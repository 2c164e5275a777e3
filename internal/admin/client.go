package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"time"
)

// Client calls the gateway that owns a state directory.
type Client struct {
	http *http.Client
	path string
}

// Error is a call that was not carried out.
type Error struct {
	// Status is the gateway's answer; 0: it was not reached.
	Status int
	// Message is for the operator.
	Message string
	Err     error
}

func (e *Error) Error() string { return e.Message }

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
	return &Client{path: path, http: &http.Client{
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

// Reload has the gateway load its site anew.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	var r Reloaded
	return r, c.call(ctx, http.MethodPost, "/v1/reload", &r)
}

// Status asks how the gateway is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/v1/status", &s)
}

// maxAnswer bounds an answer: problems of a large site come to a megabyte.
const maxAnswer = 16 << 20

func (c *Client) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreached(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &Error{Message: "the gateway's answer broke off: " + err.Error(), Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		var f failure
		if json.Unmarshal(body, &f) != nil || f.Error == "" {
			f.Error = resp.Status
		}
		return &Error{Status: resp.StatusCode, Message: f.Error}
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &Error{Message: "the gateway's answer is not understood: " + err.Error(), Err: err}
	}
	return nil
}

// unreached says why nobody answered, in the words that help.
func (c *Client) unreached(err error) error {
	message := "asking the gateway: " + err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		message, err = fmt.Sprintf("no gateway runs with the state directory %s", filepath.Dir(c.path)), ErrNobody
	case errors.Is(err, fs.ErrPermission):
		message = "only the gateway's own user and root may call it"
	}
	return &Error{Message: message, Err: err}
}
