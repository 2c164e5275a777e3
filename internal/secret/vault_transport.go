package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// maxVaultAnswer bounds an answer of a vault, in bytes: secrets have 25 KiB at
// most.
const maxVaultAnswer = 256 << 10

// transport is the SDK's way out: the client that was handed in, without
// redirects. It reads answers whole and bounded, and judges challenges before
// the SDK acts on them.
type transport struct {
	client *http.Client
	// anyLoopback takes any challenge from a vault on loopback.
	anyLoopback bool
}

func newTransport(client *http.Client, anyLoopback bool) *transport {
	own := *client // its owner's stays as it is
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &transport{client: &own, anyLoopback: anyLoopback}
}

// Do implements azcore's policy.Transporter.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	resp, err := t.client.Do(req)
	if err != nil {
		// The egress dialer's refusal: asking again changes nothing.
		var refused interface{ Refused() bool }
		if errors.As(err, &refused) {
			return nil, final{&wireError{plainError(err)}}
		}
		return nil, &wireError{plainError(err)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxVaultAnswer+1))
	_ = resp.Body.Close()
	if err != nil {
		return nil, &wireError{err}
	}
	if len(body) > maxVaultAnswer {
		return nil, final{&answerError{fmt.Sprintf("its answer is larger than %d bytes", maxVaultAnswer)}}
	}
	if resp.StatusCode == http.StatusUnauthorized {
		if err := t.checkChallenge(req.URL, resp.Header.Get("WWW-Authenticate")); err != nil {
			return nil, final{err}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// checkChallenge judges what a vault wants a token for: the domain that the
// vault's own name ends in. Otherwise a server that is not the vault could ask
// for a token that is good elsewhere. The SDK looks too, but where the
// authority is no URL with a path it panics, so it does not get to see that.
func (t *transport) checkChallenge(vault *url.URL, header string) error {
	if header == "" {
		return &answerError{"it refuses without saying what for (no WWW-Authenticate)"}
	}
	fields := challengeFields(header)
	if authority := fields["authorization"]; authority != "" && strings.Count(authority, "/") < 3 {
		return &answerError{"its challenge names no tenant"}
	}
	wanted := fields["scope"]
	if wanted == "" {
		wanted = fields["resource"]
	}
	u, err := url.Parse(wanted)
	switch {
	case err == nil && u.Scheme == "https" && u.Host != "":
	case strings.Contains(header, "insufficient_claims"):
		return &answerError{"it wants the gateway to log in anew (continuous access evaluation), which its credential cannot"}
	default:
		return &answerError{"its challenge does not say what for"}
	}
	if t.anyLoopback && isLoopback(vault.Hostname()) {
		return nil
	}
	if !strings.HasSuffix(vault.Host, "."+u.Host) {
		return &answerError{fmt.Sprintf("it wants a token for %q, which is not the domain of %s: it is not that vault", u.Host, vault.Host)}
	}
	return nil
}

// challengeFields reads a challenge exactly as the SDK does, so that both see
// the same.
func challengeFields(header string) map[string]string {
	fields := map[string]string{}
	for part := range strings.SplitSeq(strings.ReplaceAll(header, "Bearer ", ""), " ") {
		if kv := strings.Split(part, "="); len(kv) == 2 {
			fields[kv[0]] = strings.TrimSuffix(strings.ReplaceAll(kv[1], `"`, ""), ",")
		}
	}
	return fields
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// wireError is a question that got no answer.
type wireError struct{ err error }

func (e *wireError) Error() string { return e.err.Error() }
func (e *wireError) Unwrap() error { return e.err }

// answerError is an answer that is not used, whatever is asked again.
type answerError struct{ reason string }

func (e *answerError) Error() string { return e.reason }

// plainError leaves out the URL that http.Client puts around an error.
func plainError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// final is an error that the SDK does not retry.
type final struct{ error }

func (final) NonRetriable()   {}
func (f final) Unwrap() error { return f.error }

// retries bounds the SDK's own: three tries within [vaultTimeout].
func retries() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: 2, TryTimeout: 4 * time.Second,
		RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
	}
}
