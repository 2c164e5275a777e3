package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/policy"
)

// Script is what the world outside answers, as a responses file describes it. The
// zero Script answers every forwarded request with 200 and nothing, and refuses
// every call.
type Script struct {
	// Backend answers forwarded requests, one after the other; the last one
	// answers all that follow.
	Backend list[Answer] `json:"backend"`
	// Calls answer send-request and send-one-way-request, and what policies ask
	// backends.
	Calls []Call `json:"calls"`
	// Tokens are those that the gateway obtains for itself, by resource.
	Tokens map[string]string `json:"tokens"`
	// Authorizations are the tokens of the credential manager, by PROVIDER/ID.
	Authorizations map[string]string `json:"authorizations"`
}

// Answer is an answer, or a failure.
type Answer struct {
	// Backend is the id of the backend that gives it; empty: any.
	Backend    string `json:"backend"`
	StatusCode int    `json:"statusCode"`
	// Status is another word for StatusCode.
	Status       int               `json:"status"`
	StatusReason string            `json:"statusReason"`
	Headers      map[string]values `json:"headers"`
	// Body is text; JSON that is no string is sent as JSON.
	Body json.RawMessage `json:"body"`
	// Delay is how long it takes, such as "1.5s": the clock moves on by it.
	Delay duration `json:"delay"`
	// Error is a failure in the place of an answer: "connection" or "timeout".
	Error string `json:"error"`

	used bool
}

// The failures of an [Answer].
const (
	failConnection = "connection"
	failTimeout    = "timeout"
)

// Call is what a call of a policy gets.
type Call struct {
	// URL is the whole URL; "*" stands for any text but "/", "**" at the end for
	// any text. Empty: any. For questions to backends it is backend:ID/PATH.
	URL string `json:"url"`
	// Method is empty for any.
	Method string `json:"method"`
	// Response are the answers, one after the other.
	Response list[Answer] `json:"response"`
}

// list is one thing or several.
type list[T any] []T

// UnmarshalJSON takes an array, or one element.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		var all []T
		if err := strict(b, &all); err != nil {
			return err
		}
		*l = all
		return nil
	}
	var one T
	if err := strict(b, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

// values are those of a header: one text or several.
type values []string

// UnmarshalJSON takes a string or an array of strings.
func (v *values) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*v = values{one}
		return nil
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil {
		return errors.New("the value of a header is a text, or a list of texts")
	}
	*v = all
	return nil
}

type duration time.Duration

// UnmarshalJSON takes a duration of Go, such as "1.5s".
func (d *duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf(`%s is no duration, such as "1.5s"`, b)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return fmt.Errorf(`%q is no duration, such as "1.5s"`, text)
	}
	*d = duration(parsed)
	return nil
}

// FileError says what is wrong with a description.
type FileError struct {
	// What is the kind of description: "context", "responses".
	What string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("the %s: %v", e.What, e.Err) }

func (e *FileError) Unwrap() error { return e.Err }

// ReadScript reads a responses file: a JSON object. The error is a [*FileError].
func ReadScript(data []byte) (*Script, error) {
	s := &Script{}
	if len(bytes.TrimSpace(data)) == 0 {
		return s, nil
	}
	if err := strict(data, s); err != nil {
		return nil, &FileError{"responses", err}
	}
	check := func(a *Answer) error {
		if a.StatusCode == 0 {
			a.StatusCode = a.Status
		}
		switch {
		case a.Error != "" && a.Error != "connection" && a.Error != "timeout":
			return fmt.Errorf(`%q is no failure; known are "connection" and "timeout"`, a.Error)
		case a.StatusCode != 0 && (a.StatusCode < 200 || a.StatusCode > 599):
			return fmt.Errorf("%d is no status from 200 to 599", a.StatusCode)
		case a.StatusCode == 0:
			a.StatusCode = http.StatusOK
		}
		return nil
	}
	var all []*Answer
	for i := range s.Backend {
		all = append(all, &s.Backend[i])
	}
	for i := range s.Calls {
		if len(s.Calls[i].Response) == 0 {
			return nil, &FileError{"responses", fmt.Errorf("calls[%d] has no response", i)}
		}
		for k := range s.Calls[i].Response {
			all = append(all, &s.Calls[i].Response[k])
		}
	}
	for _, a := range all {
		if err := check(a); err != nil {
			return nil, &FileError{"responses", err}
		}
	}
	return s, nil
}

// strict decodes JSON that has no member nobody knows.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")) + 1
			return fmt.Errorf("line %d: %w", line, err)
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind its end")
	}
	return nil
}

// next is the next answer of a list: the first that was not used, or the last.
func next(answers []Answer, fits func(*Answer) bool) *Answer {
	var last *Answer
	for i := range answers {
		a := &answers[i]
		if fits != nil && !fits(a) {
			continue
		}
		if !a.used {
			a.used = true
			return a
		}
		last = a
	}
	return last
}

// forwarded is the answer to a request to a backend.
func (s *Script) forwarded(backend string) *Answer {
	if len(s.Backend) == 0 {
		return &Answer{StatusCode: http.StatusOK}
	}
	return next(s.Backend, func(a *Answer) bool { return a.Backend == "" || strings.EqualFold(a.Backend, backend) })
}

// called is the answer to a call; nil: nothing says what it gets.
func (s *Script) called(method, u string) *Answer {
	for i := range s.Calls {
		c := &s.Calls[i]
		if (c.Method == "" || strings.EqualFold(c.Method, method)) && matches(c.URL, u) {
			return next(c.Response, nil)
		}
	}
	return nil
}

func matches(pattern, u string) bool {
	if pattern == "" || pattern == u {
		return true
	}
	if prefix, ok := strings.CutSuffix(pattern, "**"); ok {
		return strings.HasPrefix(u, prefix)
	}
	ok, err := path.Match(pattern, u)
	return err == nil && ok
}

// content is the body of the answer.
func (a *Answer) content() []byte {
	var text string
	if len(a.Body) == 0 || string(a.Body) == "null" {
		return nil
	}
	if json.Unmarshal(a.Body, &text) == nil {
		return []byte(text)
	}
	return a.Body
}

func (a *Answer) header() http.Header {
	h := http.Header{}
	for name, v := range a.Headers {
		h[http.CanonicalHeaderKey(name)] = v
	}
	if text := bytes.TrimSpace(a.Body); len(text) > 0 && text[0] != '"' && h["Content-Type"] == nil && string(text) != "null" {
		h["Content-Type"] = []string{"application/json"}
	}
	return h
}

// response is the answer of a backend.
func (a *Answer) response() *policy.Response {
	body := a.content()
	return &policy.Response{
		StatusCode: a.StatusCode, Reason: a.StatusReason, Header: a.header(), FromBackend: true,
		Body: &policy.Body{Bytes: body, Length: int64(len(body))},
	}
}

// urlOf is a URL for people and for matching.
func urlOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}
