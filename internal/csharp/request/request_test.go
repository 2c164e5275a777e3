package request_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/request"
)

func started() *clr.Thread {
	t := &clr.Thread{Now: time.Now, Random: bytes.NewReader(nil), Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// TestReadErrors: what is wrong with a context file has its place and its mend.
func TestReadErrors(t *testing.T) {
	csharp.Library()
	for file, want := range map[string]string{
		`[]`:                                                     "an array where an object belongs",
		`{"request": {"heders": {}}}`:                            "request.heders: this member is not known",
		`{"request": {"Method": "GET"}}`:                         "request.Method: this member is not known; mend: method",
		`{"request": {"url": "/p"}}`:                             "request.url: ",
		`{"request": {"headers": {"A": "b"}}}`:                   "request.headers.A: a string where an array belongs",
		`{"request": {"headers": {"A": ["b"], "a": []}}}`:        "request.headers.a: the header is there twice",
		`{"response": {"statusCode": 1000}}`:                     "response.statusCode: a whole number between 0 and 999",
		`{"variables": {"a": []}}`:                               "variables.a: an array needs its type",
		`{"variables": {"a": {"$type": "X", "value": 1}}}`:       `variables.a.$type: "X" is not known`,
		`{"variables": {"a": {"$type": "Jwt", "value": "x"}}}`:   "variables.a.value: this is no token",
		`{"variables": {"a": 1e400, "b": 99999999999999999999}}`: "too big for System.Int64",
		`{"requestId": "x"}`:                                     `requestId: "x" is no GUID`,
		`{"timestamp": "soon"}`:                                  `timestamp: "soon" is no time`,
		`{"user": {"groups": [{"nam": "x"}]}}`:                   "user.groups[0].nam: this member is not known",
		`{`:                                                      "",
	} {
		_, err := request.Read(started(), file)
		var fileError *request.FileError
		if !errors.As(err, &fileError) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

// TestLate: the gateway's own bodies, values and traces are asked when an
// expression wants them.
func TestLate(t *testing.T) {
	th := started()
	c, err := request.Read(th, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	var traced []string
	c.Trace = func(s string) { traced = append(traced, s) }
	c.Elapsed = func() time.Duration { return 1500 * time.Millisecond }
	c.Request.Body = brokenBody{}
	th.Host = c
	for source, want := range map[string]string{
		`@{ context.Trace("seen"); return context.Elapsed.TotalSeconds; }`:                                                 "1.5",
		`@{ try { return context.Request.Body.As<string>(); } catch (InvalidOperationException e) { return e.Message; } }`: "the body is longer than 1 MiB",
	} {
		e, errs := csharp.Compile(source, csharp.Options{Context: request.ContextType()})
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		v, err := e.Run(context.Background(), th)
		if err != nil || th.Text(v) != want {
			t.Errorf("%s: %v, %v", source, th.Text(v), err)
		}
	}
	if len(traced) != 1 || traced[0] != "seen" {
		t.Errorf("traced %q", traced)
	}
}

type brokenBody struct{}

func (brokenBody) Read(bool) ([]byte, error) {
	return nil, errors.New("the body is longer than 1 MiB")
}
