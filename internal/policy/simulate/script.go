package simulate

import (
	"bytes"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cloister-ai/cloister/internal/policy"
)

// Script is what the world outside answers, as a responses file describes it. The
// zero Script answers every forwarded request with 200 and nothing, and refuses
// every call.
type Script struct {
	// Backend answers forwarded requests, one after the other; the last one
	// answers all that follow.
	Backend []Answer
	// Calls answer send-request, what policies ask backends, and who fetches keys:
	// the URL of the OpenID configuration and that of the keys that it names.
	Calls []Call
	// Tokens are those that the gateway obtains for itself, by resource.
	Tokens map[string]string
	// Authorizations are the tokens of the credential manager, by PROVIDER/ID.
	Authorizations map[string]string
}

// Answer is an answer, or a failure.
type Answer struct {
	// Backend is the id of the backend that gives it; empty: any.
	Backend      string
	StatusCode   int
	StatusReason string
	Headers      http.Header
	// Body is text; JSON that is no string is sent as JSON.
	Body []byte
	// Delay is how long it takes: the clock moves on by it.
	Delay time.Duration
	// Error is a failure in the place of an answer: "connection" or "timeout".
	Error string

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
	URL string
	// Method is empty for any.
	Method string
	// Response are the answers, one after the other.
	Response []Answer
}

// ReadScript reads a responses file: a JSON object, or nothing. The error is a
// [*FileError].
func ReadScript(file string, data []byte) (*Script, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return &Script{}, nil
	}
	n, err := readJSON(data)
	if err != nil {
		return nil, in(file, "responses", err)
	}
	s, err := readScript(n)
	if err != nil {
		return nil, in(file, "responses", err)
	}
	return s, nil
}

func readScript(n *yaml.Node) (*Script, error) {
	s := &Script{}
	if isNull(n) {
		return s, nil
	}
	return s, object(n,
		field{"backend", readAnswers(&s.Backend)},
		field{"calls", func(n *yaml.Node) error { return each(n, s.readCall) }},
		field{"tokens", readTexts(&s.Tokens)}, field{"authorizations", readTexts(&s.Authorizations)})
}

func (s *Script) readCall(n *yaml.Node) error {
	var c Call
	err := object(n, field{"url", readText(&c.URL)}, field{"method", readText(&c.Method)}, field{"response", readAnswers(&c.Response)})
	if err == nil && len(c.Response) == 0 {
		err = wrong(n, "response: {…}", "the call has no response")
	}
	if _, bad := path.Match(c.URL, ""); err == nil && bad != nil {
		err = wrong(n, "write * for what may be any text", "%q is no pattern of a URL", c.URL)
	}
	s.Calls = append(s.Calls, c)
	return err
}

func readTexts(into *map[string]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = map[string]string{}
		return named(n, func(name string, value *yaml.Node) (err error) {
			(*into)[name], err = scalar(value)
			return err
		})
	}
}

// readAnswers takes one answer, or a list.
func readAnswers(into *[]Answer) func(*yaml.Node) error {
	one := func(n *yaml.Node) error {
		a := Answer{StatusCode: http.StatusOK, Headers: http.Header{}}
		status := readInt(&a.StatusCode, 200, 599)
		err := object(n,
			field{"statusCode", status}, field{"status", status}, field{"statusReason", readText(&a.StatusReason)},
			field{"headers", a.readHeaders}, field{"body", a.readBody}, field{"delay", readSpan(&a.Delay)},
			field{"backend", readText(&a.Backend)}, field{"error", a.readFailure})
		if a.Headers["Content-Type"] == nil && a.isJSON(n) {
			a.Headers["Content-Type"] = []string{"application/json"}
		}
		*into = append(*into, a)
		return err
	}
	return func(n *yaml.Node) error {
		if resolved(n).Kind == yaml.SequenceNode {
			return each(n, one)
		}
		return one(n)
	}
}

func (a *Answer) readHeaders(n *yaml.Node) error {
	return named(n, func(name string, value *yaml.Node) error {
		name = http.CanonicalHeaderKey(name)
		add := func(n *yaml.Node) error {
			text, err := scalar(n)
			a.Headers[name] = append(a.Headers[name], text)
			return err
		}
		if resolved(value).Kind == yaml.SequenceNode {
			return each(value, add)
		}
		return add(value)
	})
}

func (a *Answer) readBody(n *yaml.Node) (err error) {
	switch s := resolved(n); {
	case isNull(n):
	case s.Kind == yaml.ScalarNode && s.ShortTag() == "!!str":
		a.Body = []byte(s.Value)
	default:
		a.Body, err = toJSON(n)
	}
	return err
}

// isJSON: the body of the answer was not written as a text.
func (a *Answer) isJSON(n *yaml.Node) bool {
	all, err := pairs(n)
	i := slices.IndexFunc(all, func(p pair) bool { return p.key.Value == "body" })
	return err == nil && i >= 0 && a.Body != nil && resolved(all[i].value).ShortTag() != "!!str"
}

func (a *Answer) readFailure(n *yaml.Node) error {
	if err := readText(&a.Error)(n); err != nil {
		return err
	}
	if a.Error != failConnection && a.Error != failTimeout {
		return wrong(n, "connection or timeout", "%q is no failure", a.Error)
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

// response is the answer of a backend.
func (a *Answer) response() *policy.Response {
	return &policy.Response{
		StatusCode: a.StatusCode, Reason: a.StatusReason, Header: a.Headers.Clone(), FromBackend: true,
		Body: &policy.Body{Bytes: a.Body, Length: int64(len(a.Body))},
	}
}

// urlOf is a URL for people and for matching.
func urlOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}
