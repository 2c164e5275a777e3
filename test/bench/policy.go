package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/site"
)

// policyWork is a document, and what requests through it come to.
type policyWork struct {
	name, document string
	// status is that of every answer; attempts are those at the backend, each.
	status, attempts int
}

func inboundOnly(policies string) string {
	return "<policies><inbound>" + policies + "</inbound></policies>"
}

// policyWorks begins with a request through no policies, beside which the others
// are measured.
var policyWorks = []policyWork{
	{name: "none", document: "<policies><inbound /></policies>", status: 200, attempts: 1},
	{name: "ten policies", status: 200, attempts: 1, document: `<policies>
  <inbound>
    <cors><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>
    <check-header name="X-Tenant" failed-check-httpcode="403" failed-check-error-message="no" ignore-case="true"><value>contoso</value></check-header>
    <rate-limit-by-key calls="1000000000" renewal-period="60" counter-key="@(context.Subscription.Id)" />
    <set-variable name="tenant" value="@(context.Request.Headers.GetValueOrDefault("X-Tenant", "none"))" />
    <choose>
      <when condition="@((string)context.Variables["tenant"] == "contoso" && context.Request.Url.Path.StartsWith("/chat"))">
        <set-backend-service backend-id="east" />
      </when>
    </choose>
    <set-header name="X-Tenant-Id"><value>@("tenant-" + (string)context.Variables["tenant"])</value></set-header>
    <set-query-parameter name="api-version"><value>2025-03-01</value></set-query-parameter>
  </inbound>
  <outbound>
    <set-header name="X-Status"><value>@(context.Response.StatusCode.ToString())</value></set-header>
    <set-header name="Server" exists-action="delete" />
  </outbound>
</policies>`},
	{name: "token limit", status: 200, attempts: 1, document: inboundOnly(
		`<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="2000000000" estimate-prompt-tokens="true" />`)},
	{name: "cached value", status: 200, attempts: 1, document: inboundOnly(
		`<cache-lookup-value key="@("k-" + context.Subscription.Id)" variable-name="v" default-value="none" />`)},
	{name: "retry, 3 attempts", status: 200, attempts: 3, document: `<policies><backend>
    <retry condition="@(context.Response.StatusCode == 503)" count="3" interval="1" first-fast-retry="true"><forward-request buffer-request-body="true" /></retry>
  </backend></policies>`},
}

// policyBench runs one work over and over.
type policyBench struct {
	pipeline *policy.Pipeline
	services *policy.Services
	work     policyWork
	api      *site.API
	base     *url.URL
	original *url.URL
}

const policyBody = `{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Say something about closed doors, and why they are closed."}],"max_tokens":100}`

func newPolicyBench(w policyWork) (*policyBench, error) {
	s := &site.Site{Service: &site.Service{Backends: []*site.Backend{{ID: "east", URL: "https://east.internal"}}}, Config: &site.Config{}}
	b := &policyBench{work: w, api: &site.API{ID: "openai", Name: "OpenAI", Path: "openai"}}
	var problems site.Problems
	b.pipeline, problems = policy.Compile(policy.Scopes{API: &site.PolicyFile{Path: "policy.xml", Source: []byte(w.document)}}, policy.NewEnv(s, &policy.NamedValues{}))
	if problems.HasErrors() {
		return nil, problems.Err()
	}
	b.services = &policy.Services{
		Sleep:    func(context.Context, time.Duration) error { return nil },
		Counters: limit.NewCounters(time.Now), Tokens: limit.NewTokens(time.Now), Caches: policy.NewCaches(0, time.Now),
	}
	b.original, _ = url.Parse("https://gateway.example/openai/chat/completions?api-version=1")
	b.base, _ = url.Parse("https://openai.internal/openai")
	return b, nil
}

// one takes one request through the document.
func (b *policyBench) one() error {
	attempts := 0
	x := &policy.Exchange{
		RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450", Started: time.Now(), ClientIP: netip.AddrFrom4([4]byte{10, 1, 2, 3}),
		API: b.api, OriginalURL: b.original, Services: b.services, Model: "gpt-4o",
		Subscription: &policy.Subscription{ID: "gold", Name: "Gold", Key: "0123456789abcdef0123456789abcdef"},
		Request: policy.Request{
			Method: "POST", Path: "/chat/completions", Query: "api-version=1", Backend: policy.Target{BaseURL: b.base},
			Header: http.Header{"X-Tenant": {"contoso"}, "Content-Type": {"application/json"}},
			Body:   &policy.Body{Bytes: []byte(policyBody), Length: int64(len(policyBody))},
		},
		Forward: func(_ context.Context, x *policy.Exchange, _ policy.ForwardOptions) error {
			if attempts++; x.Request.Body == nil || len(x.Request.Body.Bytes) != len(policyBody) {
				return errors.New("the body is gone")
			}
			status := 200
			if attempts < b.work.attempts {
				status = 503
			}
			x.Response = &policy.Response{StatusCode: status, Header: http.Header{"Server": {"x"}}, FromBackend: true}
			return nil
		},
	}
	b.pipeline.Run(context.Background(), x)
	x.End(policy.Ended{Status: x.Response.StatusCode, Usage: openai.Usage{Prompt: 30, Completion: 10, Total: 40}, Known: true})
	if x.Response.StatusCode != b.work.status || attempts != b.work.attempts {
		return fmt.Errorf("%s: status %d after %d attempts, error %v", b.work.name, x.Response.StatusCode, attempts, x.LastError)
	}
	return nil
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// runPolicy measures what policies add to a request: processor time, that of the
// garbage collector included, and allocations.
func runPolicy(opt options) error {
	testing.Init()
	if err := flag.Set("test.benchtime", (opt.duration / 10).String()); err != nil {
		return err
	}
	fmt.Println("policies: medians over", opt.rounds, "rounds; µs of processor time and allocations of a request, and what it adds to one through none")
	var benches []*policyBench
	for _, w := range policyWorks {
		b, err := newPolicyBench(w)
		if err == nil {
			err = b.one()
		}
		if err != nil {
			return err
		}
		benches = append(benches, b)
	}
	times, allocs := make([][]float64, len(benches)), make([]int64, len(benches))
	for range opt.rounds {
		for i, b := range benches {
			var used time.Duration
			r := testing.Benchmark(func(tb *testing.B) {
				tb.ReportAllocs()
				before := processorTime()
				for range tb.N {
					if err := b.one(); err != nil {
						tb.Fatal(err)
					}
				}
				used = processorTime() - before
			})
			times[i] = append(times[i], float64(used.Nanoseconds())/float64(r.N)/1000)
			allocs[i] = r.AllocsPerOp()
		}
	}
	none := middle(times[0])
	for i, b := range benches {
		fmt.Printf("  %-20s %8.2f µs %5d allocations  %+8.2f µs\n", b.work.name, middle(times[i]), allocs[i], middle(times[i])-none)
	}
	if err := policyStream(opt); err != nil {
		return err
	}
	if err := policyLoad(opt); err != nil {
		return err
	}
	fmt.Printf("policy ten-added-us %.2f\n", middle(times[1])-none)
	return nil
}

// policyStream measures what counting costs a streamed answer, by chunk, beside
// copying alone.
func policyStream(opt options) error {
	chunk := []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" doors"},"finish_reason":null}]}` + "\n\n")
	var sink bytes.Buffer
	copied := &exprFigure{run: func() { sink.Reset(); sink.Write(chunk) }}
	meter := &openai.StreamMeter{}
	counted := &exprFigure{run: func() { sink.Reset(); sink.Write(chunk); _, _ = meter.Write(chunk) }}
	for range opt.rounds {
		copied.round()
		counted.round()
	}
	fmt.Printf("  a chunk of a stream: counted %s, copied alone %s\n", counted, copied)
	return nil
}

// policyLoad measures compiling 500 documents.
func policyLoad(opt options) error {
	s := &site.Site{Service: &site.Service{Backends: []*site.Backend{{ID: "east", URL: "https://east.internal"}}}, Config: &site.Config{}}
	var figures []float64
	for range opt.rounds {
		began := time.Now()
		env := policy.NewEnv(s, &policy.NamedValues{})
		for i := range 500 {
			text := strings.Replace(policyWorks[1].document, "tenant-", fmt.Sprintf("tenant-%d-", i), 1)
			if _, problems := policy.Compile(policy.Scopes{API: &site.PolicyFile{Path: "policy.xml", Source: []byte(text)}}, env); problems.HasErrors() {
				return problems.Err()
			}
		}
		figures = append(figures, float64(time.Since(began).Milliseconds()))
	}
	fmt.Printf("  loading 500 documents of ten policies and four expressions: %.0f ms\n", middle(figures))
	return nil
}
