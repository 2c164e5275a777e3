package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

// compiled is the pipeline of one document at a scope.
func compiled(t testing.TB, at scope, inbound string) *Pipeline {
	t.Helper()
	file := &site.PolicyFile{Path: "document.xml", Source: []byte("<policies><inbound>" + inbound + "</inbound></policies>")}
	scopes := Scopes{API: file}
	if at == product {
		scopes = Scopes{Product: file}
	}
	p, problems := Compile(scopes, Env{})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return p
}

func counting(services *Services) *Exchange {
	return &Exchange{
		RequestID: "8b523262-e7a2-4b7e-90f9-7259dc6c3450", Services: services,
		API: &site.API{ID: "models"}, Operation: &site.Operation{ID: "chat"}, Product: &site.Product{ID: "starter"},
		Subscription: &Subscription{ID: "one"},
		Request:      Request{Method: http.MethodGet, Path: "/", Header: http.Header{}},
		Forward: func(_ context.Context, x *Exchange, _ ForwardOptions) error {
			x.Response = &Response{StatusCode: http.StatusOK, FromBackend: true, Header: http.Header{}}
			return nil
		},
	}
}

// TestLimitsConcurrent: of many requests at the same time exactly as many pass
// as may, also where another document takes the place of theirs meanwhile.
func TestLimitsConcurrent(t *testing.T) {
	const may = 100
	for _, tt := range []struct {
		policy string
		at     scope
		status int
	}{
		{`<rate-limit calls="%d" renewal-period="300" />`, product, http.StatusTooManyRequests},
		{`<rate-limit-by-key calls="%d" renewal-period="300" counter-key="@(context.Subscription.Id)" />`, api, http.StatusTooManyRequests},
		{`<rate-limit-by-key calls="@(%d)" renewal-period="@(300)" counter-key="@(context.Request.Method)" increment-count="1" />`, api, http.StatusTooManyRequests},
		{`<quota calls="%d" renewal-period="0" />`, product, http.StatusForbidden},
		{`<quota-by-key calls="%d" renewal-period="0" counter-key="@(context.Subscription.Id)" />`, api, http.StatusForbidden},
	} {
		policy := fmt.Sprintf(tt.policy, may)
		services := &Services{Counters: limit.NewCounters(nil)}
		pipelines := []*Pipeline{compiled(t, tt.at, policy), compiled(t, tt.at, "<set-variable name='reloaded' value='yes' />"+policy)}
		var passed, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for k := range 25 {
					x := counting(services)
					pipelines[(i+k)%2].Run(t.Context(), x)
					switch x.Response.StatusCode {
					case http.StatusOK:
						passed.Add(1)
					case tt.status:
						refused.Add(1)
					}
					x.End(Ended{})
				}
			})
		}
		wg.Wait()
		if passed.Load() != may || refused.Load() != 16*25-may {
			t.Errorf("%s: %d passed, %d refused", policy, passed.Load(), refused.Load())
		}
	}
}

// TestConcurrencyNeverExceeded: no more requests than may are in the policies, or
// wait for their answers, and in the end all places are free.
func TestConcurrencyNeverExceeded(t *testing.T) {
	const may = 3
	services := &Services{Counters: limit.NewCounters(nil)}
	document := &site.PolicyFile{Path: "document.xml", Source: []byte(`<policies><backend>
		<limit-concurrency key="@("k" + context.Api.Id)" max-count="3"><forward-request /></limit-concurrency></backend></policies>`)}
	p, problems := Compile(Scopes{API: document}, Env{})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	var within, most, passed atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for k := range 200 {
				x := counting(services)
				entered := false
				x.Forward = func(_ context.Context, x *Exchange, _ ForwardOptions) error {
					n := within.Add(1)
					for now := most.Load(); n > now && !most.CompareAndSwap(now, n); now = most.Load() {
					}
					entered = true
					switch (i + k) % 3 {
					case 0:
						within.Add(-1)
						panic("a policy fails")
					case 1:
						within.Add(-1)
						return errors.New("connection refused")
					}
					x.Response = &Response{StatusCode: http.StatusOK, FromBackend: true, Body: &Body{Stream: http.NoBody, Length: -1}}
					return nil
				}
				p.Run(t.Context(), x)
				time.Sleep(time.Microsecond)
				if entered {
					passed.Add(1)
					if (i+k)%3 == 2 {
						within.Add(-1)
					}
				}
				x.End(Ended{})
			}
		})
	}
	wg.Wait()
	if most.Load() > may || passed.Load() == 0 {
		t.Errorf("%d at once, %d in all", most.Load(), passed.Load())
	}
	for range may {
		if release, err := services.Counters.Slot(t.Context(), "kmodels", may); release == nil {
			t.Fatalf("a place is lost: %v", err)
		}
	}
}

// TestNotCounted: what cannot be counted is denied.
func TestNotCounted(t *testing.T) {
	for _, services := range []*Services{nil, {}, {Counters: noCounters{}}} {
		for _, tt := range []struct {
			policy string
			at     scope
		}{
			{`<rate-limit calls="1" renewal-period="300" />`, product},
			{`<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" />`, api},
			{`<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" increment-condition="@(true)" />`, api},
			{`<quota calls="1" renewal-period="300" />`, product},
			{`<quota-by-key bandwidth="1" renewal-period="300" counter-key="k" />`, api},
			{`<limit-concurrency key="k" max-count="1" />`, api},
		} {
			x := counting(services)
			x.Forward = nil
			compiled(t, tt.at, tt.policy).Run(t.Context(), x)
			if e := x.LastError; x.Response.StatusCode != http.StatusServiceUnavailable || e == nil || e.Reason != "CounterUnavailable" || e.Cause == nil {
				t.Errorf("%s: %d %v", tt.policy, x.Response.StatusCode, e)
			}
		}
	}
}

// TestCountedLateFails: what cannot be counted when the answer is there leaves a
// note.
func TestCountedLateFails(t *testing.T) {
	for _, tt := range []struct {
		policy, note string
		at           scope
	}{
		{`<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" increment-condition="@(true)" />`, "after the sections: rate-limit-by-key: CounterUnavailable", api},
		{`<quota-by-key calls="1" renewal-period="300" counter-key="k" increment-count="@(1)" />`, "after the sections: quota-by-key: CounterUnavailable", api},
		{`<quota bandwidth="1" renewal-period="300" />`, "the bytes of the request could not be counted", product},
	} {
		x := counting(&Services{Counters: noLateCounters{}})
		compiled(t, tt.at, tt.policy).Run(t.Context(), x)
		x.End(Ended{BytesIn: 1})
		if x.Response.StatusCode != http.StatusOK || !strings.Contains(strings.Join(x.Notes, "\n"), tt.note) {
			t.Errorf("%s: %d %q", tt.policy, x.Response.StatusCode, x.Notes)
		}
	}
}

var errAway = errors.New("the shared counters are away")

// noCounters are shared counters that cannot be reached.
type noCounters struct{}

func (noCounters) Rate(context.Context, limit.Rate) (limit.RateState, error) {
	return limit.RateState{Pass: true}, errAway
}

func (noCounters) Quota(context.Context, limit.Quota) (limit.QuotaState, error) {
	return limit.QuotaState{Pass: true}, errAway
}

func (noCounters) Slot(context.Context, string, int) (func(), error) { return func() {}, errAway }

// noLateCounters cannot be reached any more when something is counted late.
type noLateCounters struct{ noCounters }

func (noLateCounters) Rate(_ context.Context, ask limit.Rate) (limit.RateState, error) {
	if ask.Late {
		return limit.RateState{}, errAway
	}
	return limit.RateState{Pass: true}, nil
}

func (noLateCounters) Quota(_ context.Context, ask limit.Quota) (limit.QuotaState, error) {
	if ask.Late {
		return limit.QuotaState{}, errAway
	}
	return limit.QuotaState{Pass: true}, nil
}

// TestGoneCallersCount: a caller that goes away before the answer counts.
func TestGoneCallersCount(t *testing.T) {
	services := &Services{Counters: limit.NewCounters(nil)}
	p := compiled(t, api, `<rate-limit-by-key calls="1" renewal-period="300" counter-key="k" increment-condition="@(context.Response.StatusCode == 499)" />`)
	for _, want := range []int{499, http.StatusTooManyRequests} {
		ctx, cancel := context.WithCancel(t.Context())
		x := counting(services)
		x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
			cancel()
			return &Error{Reason: "ClientConnectionFailure", Status: 499}
		}
		p.Run(ctx, x)
		if x.Response.StatusCode != want {
			t.Errorf("%d, want %d: %q", x.Response.StatusCode, want, x.Notes)
		}
		cancel()
	}
}

// BenchmarkRateLimitByKey is one decision with the key computed, beside a
// pipeline that computes the key alone.
func BenchmarkRateLimitByKey(b *testing.B) {
	for _, tt := range []struct{ name, policy string }{
		{"key", `<set-variable name="k" value="@(context.Subscription.Id)" />`},
		{"decision", `<rate-limit-by-key calls="2000000000" renewal-period="60" counter-key="@(context.Subscription.Id)" />`},
		{"written", `<rate-limit-by-key calls="2000000000" renewal-period="60" counter-key="all" />`},
	} {
		b.Run(tt.name, func(b *testing.B) {
			p := compiled(b, api, tt.policy)
			x := counting(&Services{Counters: limit.NewCounters(nil)})
			b.ReportAllocs()
			for b.Loop() {
				if _, e := run(b.Context(), x, p.steps[inbound]); e != nil {
					b.Fatal(e)
				}
			}
		})
	}
}
