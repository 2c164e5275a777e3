package emulator

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Knobs make the emulator slow, short, or fail. Each is set for all requests by
// [OpenAIOptions], or for one request by the header in parentheses; all headers
// begin with x-cloister-emulator-.
type Knobs struct {
	// TimeToFirstToken is waited before the head of an answer (ttft-ms, in
	// milliseconds).
	TimeToFirstToken time.Duration
	// TokensPerSecond paces a stream (tokens-per-second); 0: full speed.
	TokensPerSecond float64
	// LengthTokens is how long the text is, up to 100,000 tokens
	// (length-tokens); 0: 24 to 63, by the request.
	LengthTokens int
	// Status answers with an error of this status, 400 to 599 (status); 429
	// comes with retry headers.
	Status int
	// Error answers with an error of the catalogue (error): invalid-key,
	// local-auth-disabled, public-access-disabled, network-rules,
	// permission-denied, deployment-not-found, resource-not-found, rate-limit,
	// server-error.
	Error string
	// RetryAfter is what a 429 says (retry-after-ms); default 1 s.
	RetryAfter time.Duration
	// UntilRetry limits Status, Error and Reset to requests whose header
	// X-Stainless-Retry-Count is below it (until-retry), so that an SDK's N-th
	// retry succeeds; 0: no limit.
	UntilRetry int
	// CutAfterEvents breaks a stream off after that many events
	// (cut-after-events); 0: never.
	CutAfterEvents int
	// Reset resets the connection (reset: 1): before the answer, or in place of
	// the cut where CutAfterEvents is set. On HTTP/2 it resets the stream.
	Reset bool
}

// Bounds of the knobs.
const (
	maxLength = 100_000
	maxWait   = 10 * time.Minute
)

const knobPrefix = "X-Cloister-Emulator-"

// with returns the knobs with those of a request's headers set.
func (k Knobs) with(h http.Header) (Knobs, error) {
	for name, values := range h {
		if len(name) <= len(knobPrefix) || name[:len(knobPrefix)] != knobPrefix {
			continue
		}
		if err := k.set(name[len(knobPrefix):], values[0]); err != nil {
			return k, serviceError(http.StatusBadRequest, "BadKnob", fmt.Sprintf("header %s: %v", name, err))
		}
	}
	return k, nil
}

// set sets one knob by the canonical form of its header's name.
func (k *Knobs) set(name, value string) (err error) {
	n := 0
	switch name {
	case "Ttft-Ms":
		n, err = number(value, int(maxWait/time.Millisecond))
		k.TimeToFirstToken = time.Duration(n) * time.Millisecond
	case "Tokens-Per-Second":
		k.TokensPerSecond, err = strconv.ParseFloat(value, 64)
		if err == nil && !(k.TokensPerSecond >= 0.01 && k.TokensPerSecond <= 1e6) {
			err = errors.New("not a number from 0.01 to 1000000")
		}
	case "Length-Tokens":
		k.LengthTokens, err = number(value, maxLength)
	case "Status":
		k.Status, err = number(value, 599)
		if err == nil && k.Status < 400 {
			err = errors.New("not an error status")
		}
	case "Error":
		if _, ok := catalogue()[value]; !ok {
			err = errors.New("not in the catalogue")
		}
		k.Error = value
	case "Retry-After-Ms":
		n, err = number(value, int(maxWait/time.Millisecond))
		k.RetryAfter = time.Duration(n) * time.Millisecond
	case "Until-Retry":
		k.UntilRetry, err = number(value, 100)
	case "Cut-After-Events":
		k.CutAfterEvents, err = number(value, 1<<20)
	case "Reset":
		k.Reset = value == "1"
	default:
		err = errors.New("there is no such knob")
	}
	return err
}

func number(s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("not a number from 0 to %d", limit)
	}
	return n, nil
}

// catalogue maps the names of [Knobs.Error].
func catalogue() map[string]func(*call) *apiError {
	just := func(f func() *apiError) func(*call) *apiError { return func(*call) *apiError { return f() } }
	return map[string]func(*call) *apiError{
		"invalid-key":            just(errBadKey),
		"local-auth-disabled":    just(errLocalAuth),
		"public-access-disabled": just(errPublicAccess),
		"network-rules":          just(errNetworkRules),
		"deployment-not-found":   just(errDeploymentNotFound),
		"resource-not-found":     just(errNotFound),
		"server-error":           just(errInternal),
		"rate-limit":             func(c *call) *apiError { return errRateLimit(c, "token", c.knobs.retryAfter()) },
		"permission-denied": func(c *call) *apiError {
			return errPermission("00000000-0000-0000-0000-000000000000", c)
		},
	}
}

func (k *Knobs) retryAfter() time.Duration {
	if k.RetryAfter > 0 {
		return k.RetryAfter
	}
	return time.Second
}

// injected returns the failure that the knobs ask for.
func (c *call) injected() error {
	k := &c.knobs
	if k.UntilRetry > 0 {
		if n, _ := strconv.Atoi(c.r.Header.Get("X-Stainless-Retry-Count")); n >= k.UntilRetry {
			k.Reset = false
			return nil
		}
	}
	switch {
	case k.Error != "":
		return catalogue()[k.Error](c)
	case k.Status == http.StatusTooManyRequests:
		return errRateLimit(c, "token", k.retryAfter())
	case k.Status == http.StatusInternalServerError:
		return errInternal()
	case k.Status != 0:
		return serviceError(k.Status, strconv.Itoa(k.Status), http.StatusText(k.Status))
	case k.Reset && k.CutAfterEvents == 0:
		return c.reset()
	}
	return nil
}

var (
	// errAbort: the answer is to be broken off.
	errAbort = errors.New("emulator: the answer was broken off")
	// errGone: the connection is no longer ours; there is nothing to answer.
	errGone = errors.New("emulator: the connection is gone")
)

// reset closes the connection so that the peer sees a reset (RST), with nothing
// sent that was not sent before.
func (c *call) reset() error {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil { // HTTP/2: net/http resets the stream
		return errAbort
	}
	defer conn.Close()
	under := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn()
	}
	if t, ok := under.(*net.TCPConn); ok {
		t.SetLinger(0)
		t.Close() // before the TLS layer can say goodbye
	}
	return errGone
}
