package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/site"
)

// callFunc is a CallMaker of a test.
type callFunc func(ctx context.Context, r *CallRequest) (*CallResponse, error)

func (f callFunc) Call(ctx context.Context, r *CallRequest) (*CallResponse, error) { return f(ctx, r) }

func (f callFunc) Later(*CallRequest) bool { return false }

// inInbound compiles policies of inbound.
func inInbound(t *testing.T, text string) *Pipeline {
	t.Helper()
	p, problems := Compile(Scopes{API: &site.PolicyFile{Path: "api.xml", Source: []byte(
		"<policies><inbound>" + text + "<return-response /></inbound></policies>")}}, Env{})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

func call(name string) string {
	return fmt.Sprintf(`<send-request mode="new" response-variable-name="%s"><set-url>https://%[1]s.example/</set-url><set-method>GET</set-method></send-request>`, name)
}

func exchangeWith(f callFunc) *Exchange {
	return &Exchange{Request: Request{Method: "GET", Path: "/", Header: http.Header{}}, Services: &Services{Calls: f}}
}

// TestWaitOverlaps: calls in wait are under way at the same time: each waits
// for all the others.
func TestWaitOverlaps(t *testing.T) {
	const n = 8
	text := "<wait>"
	for i := range n {
		text += "<choose><when condition=\"true\">" + `<set-variable name="x` + fmt.Sprint(i) + `" value="@(context.Variables.Count)" />` +
			call("s"+fmt.Sprint(i)) + "</when></choose>"
	}
	p := inInbound(t, text+"</wait>")
	var all sync.WaitGroup
	all.Add(n)
	x := exchangeWith(func(ctx context.Context, r *CallRequest) (*CallResponse, error) {
		all.Done()
		all.Wait()
		return &CallResponse{StatusCode: 200}, nil
	})
	p.Run(t.Context(), x)
	if x.LastError != nil || x.Variables.Len() != 2*n {
		t.Fatal(x.LastError, x.Variables.Len())
	}
	// What they have set comes in the order of the document, and none saw
	// another's.
	i := 0
	x.Variables.Each(func(name string, v clr.Value) bool {
		if want := fmt.Sprintf("%s%d", "xs"[i%2:i%2+1], i/2); name != want {
			t.Errorf("variable %d is %s, want %s", i, name, want)
		}
		if i%2 == 0 && v.Int() != 0 {
			t.Errorf("%s saw %d variables", name, v.Int())
		}
		i++
		return true
	})
}

// TestWaitAny: the first that ends well ends the others, whose changes are
// forgotten; errors count only where all fail.
func TestWaitAny(t *testing.T) {
	f := func(text string, answers map[string]error, slow string, wantError string, want ...string) {
		t.Helper()
		failed := make(chan struct{})
		x := exchangeWith(func(ctx context.Context, r *CallRequest) (*CallResponse, error) {
			name, _, _ := strings.Cut(r.URL.Host, ".")
			if name == slow {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
			if err := answers[name]; err != nil {
				defer close(failed)
				return nil, err
			}
			if len(answers) > 0 {
				<-failed // what fails does so first
			}
			return &CallResponse{StatusCode: 200}, nil
		})
		inInbound(t, text).Run(t.Context(), x)
		if got := fmt.Sprint(x.LastError); !strings.HasPrefix(got, wantError) {
			t.Errorf("%s: error %s, want %s", text, got, wantError)
		}
		for _, name := range want {
			if _, ok := x.Variables.Get(name); !ok {
				t.Errorf("%s: no %s", text, name)
			}
		}
		if x.Variables.Len() != len(want) {
			t.Errorf("%s: %d variables, want %v", text, x.Variables.Len(), want)
		}
	}
	down := errors.New("down")
	f(`<wait for="any">`+call("a")+call("b")+`</wait>`, nil, "a", "<nil>", "b")
	f(`<wait for="any">`+call("a")+call("b")+`</wait>`, nil, "b", "<nil>", "a")
	f(`<wait for="any">`+call("a")+call("b")+`</wait>`, map[string]error{"a": down}, "", "<nil>", "b")
	f(`<wait for="any">`+call("a")+`</wait>`, map[string]error{"a": down}, "", "send-request: BackendConnectionFailure")
	f(`<wait for="all">`+call("a")+call("b")+`</wait>`, map[string]error{"a": down}, "b", "send-request: BackendConnectionFailure")
	f(`<wait for="all">`+call("a")+`<choose><when condition="@(context.Variables["none"] == null)" /></choose></wait>`, nil, "a", "choose: ExpressionValueEvaluationFailure")
	// One in another.
	f(`<wait for="any">`+call("a")+`<choose><when condition="true"><wait for="all">`+call("b")+call("c")+`</wait></when></choose></wait>`, nil, "a", "<nil>", "b", "c")
}

// TestWaitEnds: a request that has ended ends what it waits for, and a panic is
// an error of that policy.
func TestWaitEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := exchangeWith(func(ctx context.Context, r *CallRequest) (*CallResponse, error) {
		cancel()
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	inInbound(t, "<wait>"+call("a")+call("b")+"</wait>").Run(ctx, x)
	if x.LastError == nil || x.LastError.Reason != "Interrupted" {
		t.Error(x.LastError)
	}
	x = exchangeWith(func(ctx context.Context, r *CallRequest) (*CallResponse, error) {
		if r.URL.Host == "a.example" {
			panic("on purpose")
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	inInbound(t, "<wait>"+call("a")+call("b")+"</wait>").Run(t.Context(), x)
	if x.LastError == nil || x.LastError.Reason != "Panic" || x.LastError.Path != "wait[1]/send-request[1]" {
		t.Error(x.LastError)
	}
	x = exchangeWith(func(context.Context, *CallRequest) (*CallResponse, error) { panic(http.ErrAbortHandler) })
	func() {
		defer func() {
			if r := recover(); r != http.ErrAbortHandler {
				t.Error(r)
			}
		}()
		inInbound(t, "<wait>"+call("a")+"</wait>").Run(t.Context(), x)
	}()
}

// TestWaitRace: waits, calls, bodies, headers and variables of many requests at
// once; the race detector looks on.
func TestWaitRace(t *testing.T) {
	branch := func(i int) string {
		return fmt.Sprintf(`<choose><when condition="@(context.Request.Body.As<string>(true) == "body")">
			<set-variable name="v%d" value="@(((Newtonsoft.Json.Linq.JObject)context.Variables["shared"])["n"].ToString() + ((IResponse)context.Variables["r"]).Body.As<string>(true))" />
			<set-header name="X-%[1]d"><value>%[1]d</value></set-header>
			<retry condition="true" count="2" interval="1">%s</retry>
			<set-body>@(context.Request.Body.As<string>(true) + "%[1]d")</set-body>
		</when></choose>`, i, call(fmt.Sprint("c", i)))
	}
	text := `<set-variable name="shared" value="@(new JObject(new JProperty("n", 1)))" />` + call("r") + "<wait>"
	for i := range 6 {
		text += branch(i)
	}
	p := inInbound(t, text+"</wait>")
	var requests sync.WaitGroup
	for range 20 {
		requests.Go(func() {
			x := exchangeWith(func(context.Context, *CallRequest) (*CallResponse, error) {
				return &CallResponse{StatusCode: 200, Body: []byte("answer")}, nil
			})
			x.Services.Sleep = func(context.Context, time.Duration) error { return nil }
			x.Request.Body = &Body{Stream: &closeCounter{Reader: strings.NewReader("body")}, Length: 4}
			p.Run(t.Context(), x)
			if x.LastError != nil || len(x.Request.Header) != 6 || string(x.Request.Body.Bytes) != "body5" {
				t.Error(x.LastError, x.Request.Header, string(x.Request.Body.Bytes))
			}
		})
	}
	requests.Wait()
}
