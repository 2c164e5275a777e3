package policy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/openai"
	"github.com/cloister-ai/cloister/internal/site"
)

func tokenPipeline(t testing.TB, attributes string) *Pipeline {
	t.Helper()
	f := fixture{files: map[string]string{"api.xml": `<policies><inbound><llm-token-limit counter-key="k" ` + attributes + ` /></inbound></policies>`}}
	p, problems := f.compile()
	if p == nil {
		t.Fatal(problems.Err())
	}
	return p
}

func tokenExchange(services *Services, body string) *Exchange {
	return &Exchange{
		Services: services, Started: begun,
		Request: Request{Method: "POST", Path: "/openai/deployments/gpt-4o/chat/completions", Header: http.Header{}, Body: &Body{Bytes: []byte(body), Length: int64(len(body))}},
	}
}

// TestTokenLimitTogether: a thousand requests at the same time never exceed a
// limit by more than the estimate of one, whatever their answers cost.
func TestTokenLimitTogether(t *testing.T) {
	const perMinute, prompt, most = 5000, 8, 200
	p := tokenPipeline(t, fmt.Sprintf(`tokens-per-minute="%d" estimate-prompt-tokens="true"`, perMinute))
	services := &Services{Tokens: limit.NewTokens(func() time.Time { return begun })}
	body := fmt.Sprintf(`{"messages":[{"role":"user","content":"hello"}],"max_tokens":%d}`, most)
	if got := openai.EstimatePrompt([]byte(body), "gpt-4o"); got != prompt {
		t.Fatalf("the prompt is estimated at %d", got)
	}
	var spent, let, refused atomic.Int64
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			x := tokenExchange(services, body)
			completion := rand.IntN(most + 1)
			ended := Ended{Status: 200, Usage: openai.Usage{Prompt: prompt, Completion: completion, Total: prompt + completion}, Known: true}
			x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
				let.Add(1)
				spent.Add(int64(ended.Usage.Total))
				x.Response = &Response{StatusCode: 200, FromBackend: true, Header: http.Header{}}
				return nil
			}
			p.Run(t.Context(), x)
			if x.Response.StatusCode == http.StatusTooManyRequests {
				refused.Add(1)
				ended = Ended{Status: http.StatusTooManyRequests}
			}
			x.End(ended)
		})
	}
	wg.Wait()
	if let.Load()+refused.Load() != 1000 || let.Load() == 0 {
		t.Errorf("%d were let in, %d refused", let.Load(), refused.Load())
	}
	if got := spent.Load(); got > perMinute+prompt+most {
		t.Errorf("%d tokens of %d", got, perMinute)
	}
}

// TestTokenLimitDocumented: as API Management documents it, what is under way is
// no reason to refuse.
func TestTokenLimitDocumented(t *testing.T) {
	f := fixture{files: map[string]string{"api.xml": `<policies><inbound><llm-token-limit counter-key="k" tokens-per-minute="10" estimate-prompt-tokens="false" /></inbound></policies>`}}
	for documented, want := range map[bool]int{false: http.StatusTooManyRequests, true: http.StatusOK} {
		services := &Services{Tokens: limit.NewTokens(func() time.Time { return begun })}
		env := NewEnv(&site.Site{Service: &site.Service{}}, nil)
		if documented {
			env.Documented = []string{site.DocumentedTokenLimit}
		}
		p, problems := Compile(Scopes{API: f.document("api.xml")}, env)
		if p == nil {
			t.Fatal(problems.Err())
		}
		run := func() *Exchange {
			x := tokenExchange(services, `{"messages":[{"role":"user","content":"hello, this is one prompt"}]}`)
			x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
				x.Response = &Response{StatusCode: 200, FromBackend: true, Header: http.Header{}}
				return nil
			}
			p.Run(t.Context(), x)
			return x
		}
		first, second := run(), run()
		if first.Response.StatusCode != http.StatusOK || second.Response.StatusCode != want {
			t.Errorf("documented %v: %d, %d", documented, first.Response.StatusCode, second.Response.StatusCode)
		}
		first.End(Ended{Status: 200, Usage: openai.Usage{Prompt: 10, Total: 10}, Known: true})
		second.End(Ended{Status: second.Response.StatusCode})
		if third := run(); third.Response.StatusCode != http.StatusTooManyRequests {
			t.Errorf("documented %v: %d after the limit was used up", documented, third.Response.StatusCode)
		}
	}
}

// failingCounter is shared state that is away.
type failingCounter struct{}

func (failingCounter) Reserve(context.Context, limit.TokenRequest, limit.TokenHold) (limit.TokenHold, limit.TokenVerdict, error) {
	return nil, limit.TokenVerdict{Allowed: true}, errors.New("away")
}

// TestTokenLimitFailsClosed: what cannot be counted is refused.
func TestTokenLimitFailsClosed(t *testing.T) {
	for _, estimate := range []string{"true", "false"} {
		p := tokenPipeline(t, `tokens-per-minute="10" estimate-prompt-tokens="`+estimate+`"`)
		for _, services := range []*Services{nil, {}, {Tokens: failingCounter{}}} {
			x := tokenExchange(services, `{"messages":[]}`)
			x.Forward = func(context.Context, *Exchange, ForwardOptions) error {
				t.Error("it was forwarded")
				return nil
			}
			p.Run(t.Context(), x)
			if e := x.LastError; e == nil || e.Reason != "TokenCountUnavailable" || x.Response.StatusCode != http.StatusInternalServerError {
				t.Errorf("%+v: %v", services, e)
			}
		}
	}
}

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 33 * time.Second: "33 seconds", 21*time.Minute + 33*time.Second: "21 minutes and 33 seconds",
		time.Hour: "1 hour", 49*time.Hour + time.Minute: "2 days, 1 hour and 1 minute",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// BenchmarkTokenLimit: the decision, and the settlement, of a request that is let
// in.
func BenchmarkTokenLimit(b *testing.B) {
	for _, estimate := range []string{"false", "true"} {
		b.Run("estimate="+estimate, func(b *testing.B) {
			p := tokenPipeline(b, `tokens-per-minute="1000000000" estimate-prompt-tokens="`+estimate+`"`)
			services := &Services{Tokens: limit.NewTokens(time.Now)}
			body := `{"messages":[{"role":"user","content":"What is the capital of France?"}],"max_tokens":100}`
			ended := Ended{Status: 200, Usage: openai.Usage{Prompt: 14, Completion: 8, Total: 22}, Known: true}
			b.ReportAllocs()
			for b.Loop() {
				x := tokenExchange(services, body)
				if _, e := run(b.Context(), x, p.steps[inbound]); e != nil {
					b.Fatal(e)
				}
				x.End(ended)
			}
		})
	}
}
