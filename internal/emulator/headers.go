package emulator

import (
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// setHeaders sets what every answer of the service carries.
func (s *OpenAI) setHeaders(c *call) {
	h := c.w.Header()
	id := []string{c.id}
	h["Apim-Request-Id"] = id
	h["X-Request-Id"] = id
	h["X-Ms-Region"] = []string{s.opt.Region}
	h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains; preload"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if v := c.r.Header["X-Ms-Client-Request-Id"]; len(v) == 1 {
		h["X-Ms-Client-Request-Id"] = v
	} else {
		h["X-Ms-Client-Request-Id"] = []string{"Not-Set"}
	}
}

// setModelHeaders sets what the answers of a deployment carry besides.
func (s *OpenAI) setModelHeaders(c *call, left remaining) {
	h := c.w.Header()
	h["Azureml-Model-Session"] = []string{Marker}
	h["Cache-Control"] = []string{"no-cache, must-revalidate"}
	h["X-Ratelimit-Limit-Requests"] = []string{strconv.Itoa(left.requestLimit)}
	h["X-Ratelimit-Remaining-Requests"] = []string{strconv.Itoa(left.requests)}
	h["X-Ratelimit-Limit-Tokens"] = []string{strconv.Itoa(left.tokenLimit)}
	h["X-Ratelimit-Remaining-Tokens"] = []string{strconv.Itoa(left.tokens)}
	if c.d != nil {
		h["X-Ms-Deployment-Name"] = []string{c.d.Name}
	}
}

// setStreamHeaders sets what a stream carries besides.
func setStreamHeaders(h http.Header) {
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["X-Accel-Buffering"] = []string{"no"}
}

// uuid returns a random UUID (version 4).
func (s *OpenAI) uuid() string { return newUUID(s.opt.Rand) }

func newUUID(random io.Reader) string {
	b := randomBytes(random, 16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[:], b[:4])
	out[8] = '-'
	hex.Encode(out[9:], b[4:6])
	out[13] = '-'
	hex.Encode(out[14:], b[6:8])
	out[18] = '-'
	hex.Encode(out[19:], b[8:10])
	out[23] = '-'
	hex.Encode(out[24:], b[10:])
	return string(out[:])
}

// randomID returns a prefix and 32 random hexadecimal digits.
func (s *OpenAI) randomID(prefix string) string {
	return prefix + hex.EncodeToString(randomBytes(s.opt.Rand, 16))
}

// randomBytes returns n bytes; a source that is at its end gives zeros.
func randomBytes(random io.Reader, n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(random, b)
	return b
}

// rateLimit counts the requests and tokens of one minute.
type rateLimit struct {
	mu               sync.Mutex // guards the rest
	start            time.Time
	requests, tokens int
}

// remaining is what the rate limit headers say.
type remaining struct {
	requestLimit, requests, tokenLimit, tokens int
}

// Limits that the headers report for a deployment that has none.
const (
	reportedRequests = 10_000
	reportedTokens   = 10_000_000
)

// take counts a request of so many tokens, or refuses it: then what is "token"
// or "call", and wait is the time until the next minute begins.
func (d *deployment) take(now time.Time, tokens int) (left remaining, what string, wait time.Duration) {
	l := &d.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := now.Sub(l.start); age < 0 || age >= time.Minute {
		l.start, l.requests, l.tokens = now, 0, 0
	}
	wait = l.start.Add(time.Minute).Sub(now)
	if d.RequestsPerMinute > 0 && l.requests >= d.RequestsPerMinute {
		return left, "call", wait
	}
	if d.TokensPerMinute > 0 && l.tokens+tokens > d.TokensPerMinute {
		return left, "token", wait
	}
	l.requests++
	l.tokens += tokens
	left.requestLimit, left.tokenLimit = d.RequestsPerMinute, d.TokensPerMinute
	if left.requestLimit == 0 {
		left.requestLimit = reportedRequests
	}
	if left.tokenLimit == 0 {
		left.tokenLimit = reportedTokens
	}
	left.requests = max(0, left.requestLimit-l.requests)
	left.tokens = max(0, left.tokenLimit-l.tokens)
	return left, "", 0
}

// admit counts a request against its deployment's limits and sets the headers.
func (s *OpenAI) admit(c *call, tokens int) error {
	left, what, wait := c.d.take(s.opt.Now(), tokens)
	if what != "" {
		return errRateLimit(c, what, wait)
	}
	s.setModelHeaders(c, left)
	return nil
}
