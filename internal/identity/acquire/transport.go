package acquire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// maxAnswer bounds an authority's answer, in bytes.
const maxAnswer = 1 << 20

// observation is what an attempt saw on the wire. The SDK's own errors carry
// whole answers in their text and lose their causes; this keeps the causes
// and leaves the answers behind.
type observation struct {
	err    error
	status int
	code   string
}

// transport is the SDK's way out. Attempts are made one at a time, so one
// observation is enough.
type transport struct {
	client *http.Client
	// metadata is the way to 169.254.169.254; nil: there is none.
	metadata *http.Client

	mu   sync.Mutex
	seen observation
}

// metadataHost is how the SDK spells instance metadata.
const metadataHost = "169.254.169.254"

// Do implements azcore's policy.Transporter.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	client := t.client
	if t.metadata != nil && req.URL.Hostname() == metadataHost {
		client = t.metadata
	}
	resp, err := client.Do(req)
	if err != nil {
		t.note(observation{err: plainError(err)})
		// The egress dialer's refusal: asking again changes nothing.
		var refused interface{ Refused() bool }
		if errors.As(err, &refused) {
			return nil, final{err}
		}
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is larger than 1 MiB")
	}
	if err != nil {
		t.note(observation{err: err})
		return nil, final{err}
	}
	t.note(observation{status: resp.StatusCode, code: errorCode(resp.StatusCode, body)})
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (t *transport) note(o observation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = o
}

// take is what was seen since the last take.
func (t *transport) take() observation {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.seen
	t.seen = observation{}
	return seen
}

// plainError leaves out the URL that http.Client puts around an error: its
// query names the identity.
func plainError(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// final is an error that the SDK does not retry.
type final struct{ error }

func (final) NonRetriable()   {}
func (f final) Unwrap() error { return f.error }

var (
	oauthCode = regexp.MustCompile(`^[A-Za-z_]{1,48}$`)
	entraCode = regexp.MustCompile(`^AADSTS[0-9]{3,9}`)
)

// errorCode finds the code of an error answer. The description is left out:
// who wrote it is not known yet.
func errorCode(status int, body []byte) string {
	if status < http.StatusBadRequest {
		return ""
	}
	var doc struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	if code := entraCode.FindString(doc.Description); code != "" {
		return code
	}
	return oauthCode.FindString(doc.Error)
}

// retries bounds the SDK's own: three tries, a second or so between them.
func retries() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: 2, TryTimeout: 10 * time.Second,
		RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 4 * time.Second,
	}
}

// getter is what both of azidentity's credentials are.
type getter func(context.Context, policy.TokenRequestOptions) (azToken, error)
