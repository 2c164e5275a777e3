package eventhubs_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/policy/eventhubs"
	"github.com/cloister-ai/cloister/internal/secret"
)

const sasKey = "c2VjcmV0LWtleS1vZi10aGUtdGVzdA=="

// namespace is an emulated namespace with one hub.
func namespace(t *testing.T) (*emulator.EventHubs, eventhubs.Options, *results) {
	t.Helper()
	e := &emulator.EventHubs{Hubs: []string{"logs"}, Keys: map[string]string{"send": sasKey}, Bearer: func(token string) bool { return token == "a token" }}
	s := httptest.NewTLSServer(e)
	t.Cleanup(s.Close)
	connection := secret.New("Endpoint=sb://" + strings.TrimPrefix(s.URL, "https://") + "/;SharedAccessKeyName=send;SharedAccessKey=" + sasKey)
	hub, key, err := eventhubs.ParseConnection(connection, "logs")
	if err != nil {
		t.Fatal(err)
	}
	r := &results{n: map[string]int{}}
	return e, eventhubs.Options{
		Hub: hub, Key: key, Transport: s.Client().Transport, Done: r.done,
		Sleep: func(context.Context, time.Duration) error { return nil },
	}, r
}

type results struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *results) done(result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n[result]++
}

func (r *results) of(result string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[result]
}

// TestSend: events arrive in their order, alone or together, at the partition
// that they name, whoever signs.
func TestSend(t *testing.T) {
	e, opt, r := namespace(t)
	gate := make(chan struct{})
	inner := opt.Transport
	opt.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		<-gate // until all wait
		return inner.RoundTrip(req)
	})
	s := eventhubs.New(opt)
	want := []emulator.HubEvent{{Hub: "logs", Body: "alone"}}
	s.Send(eventhubs.Event{Body: []byte("alone")})
	s.Send(eventhubs.Event{Body: []byte("key"), PartitionKey: `a "é" 𝄞`})
	want = append(want, emulator.HubEvent{Hub: "logs", Body: "key", PartitionKey: `a "é" 𝄞`})
	for i := range 3 {
		body := fmt.Sprintf(`{"n":%d,"text":"<ü>"}`, i)
		s.Send(eventhubs.Event{Body: []byte(body), PartitionID: "2"})
		want = append(want, emulator.HubEvent{Hub: "logs", Partition: "2", Body: body, Batch: true})
	}
	close(gate)
	s.Close(t.Context())
	got := e.Events()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.of(eventhubs.Sent) != 5 || s.Send(eventhubs.Event{}) || r.of(eventhubs.Dropped) != 1 {
		t.Error(r.n)
	}

	opt.Key, opt.Token = eventhubs.Key{}, func(context.Context) (secret.Value, error) { return secret.New("a token"), nil }
	s = eventhubs.New(opt)
	s.Send(eventhubs.Event{Body: []byte("by token")})
	s.Close(t.Context())
	if got := e.Events(); got[len(got)-1].Body != "by token" {
		t.Errorf("%+v", got)
	}
}

// TestBounds: what is too large, or too much, is dropped and counted; batches
// stay within a size.
func TestBounds(t *testing.T) {
	e, opt, r := namespace(t)
	started, gate := make(chan struct{}, 1), make(chan struct{})
	inner := opt.Transport
	opt.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		select {
		case started <- struct{}{}:
		default:
		}
		<-gate
		return inner.RoundTrip(req)
	})
	s := eventhubs.New(opt)
	if s.Send(eventhubs.Event{Body: make([]byte, eventhubs.MaxEvent+1)}) {
		t.Error("an event that is too large was taken")
	}
	s.Send(eventhubs.Event{Body: []byte("first")})
	<-started
	large := bytes.Repeat([]byte("x"), eventhubs.MaxEvent)
	taken := 0
	for range 100 {
		if s.Send(eventhubs.Event{Body: large}) {
			taken++
		}
	}
	if want := (16<<20 - 5) / eventhubs.MaxEvent; taken != want {
		t.Errorf("%d events of 200 KB were taken, want %d", taken, want)
	}
	for range 2000 {
		if s.Send(eventhubs.Event{Body: []byte("y")}) {
			taken++
		}
	}
	if taken != 1000 {
		t.Errorf("%d events wait, want 1000", taken)
	}
	close(gate)
	s.Close(t.Context())
	if got := len(e.Events()); got != 1001 || r.of(eventhubs.Sent) != 1001 || r.of(eventhubs.Dropped) != 1+2100-1000 {
		t.Error(got, r.n)
	}
}

// TestFailures: what may help is tried again, what does not help is not; what is
// lost is counted and logged, without a secret.
func TestFailures(t *testing.T) {
	f := func(statuses []int, wantResult string, wantAsked int32) {
		t.Helper()
		e, opt, r := namespace(t)
		var asked atomic.Int32
		e.Fail = func() int {
			n := int(asked.Add(1)) - 1
			if n < len(statuses) {
				return statuses[n]
			}
			return 0
		}
		var log bytes.Buffer
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		s := eventhubs.New(opt)
		s.Send(eventhubs.Event{Body: []byte("text of an event")})
		s.Close(t.Context())
		if r.of(wantResult) != 1 || asked.Load() != wantAsked {
			t.Errorf("%v: %v after %d requests, want %s after %d", statuses, r.n, asked.Load(), wantResult, wantAsked)
		}
		if wantResult != eventhubs.Sent && !strings.Contains(log.String(), "events were not sent") ||
			strings.Contains(log.String(), sasKey) || strings.Contains(log.String(), "text of an event") {
			t.Errorf("%v: log %s", statuses, log.String())
		}
	}
	f(nil, eventhubs.Sent, 1)
	f([]int{503, 429}, eventhubs.Sent, 3)
	f([]int{500, 500, 500, 500}, eventhubs.Failed, 3)
	f([]int{400}, eventhubs.Failed, 1)
	f([]int{401}, eventhubs.Sent, 2)

	// A close whose time is over drops what waits.
	_, opt, r := namespace(t)
	opt.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	s := eventhubs.New(opt)
	for range 10 {
		s.Send(eventhubs.Event{Body: []byte("x")})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Close(ctx)
	if r.of(eventhubs.Dropped) != 10 {
		t.Error(r.n)
	}
}

// TestSign: the signature is that of the published description, which the
// emulator checks too; it is for the hub, and renewed in time.
func TestSign(t *testing.T) {
	hub, _ := url.Parse("https://Contoso.servicebus.windows.net/Logs/")
	got := eventhubs.Sign(eventhubs.Key{Name: "a&b", Value: secret.New("key")}, hub, time.Unix(1700000000, 0))
	if want := "SharedAccessSignature sr=https%3A%2F%2Fcontoso.servicebus.windows.net%2Flogs&sig="; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "&se=1700000000&skn=a%26b") {
		t.Error(got)
	}
	e, opt, r := namespace(t)
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	e.Now, opt.Now = clock, clock
	s := eventhubs.New(opt)
	for i := range 4 {
		s.Send(eventhubs.Event{Body: []byte("x"), PartitionKey: "k"})
		for r.of(eventhubs.Sent)+r.of(eventhubs.Failed) <= i {
			time.Sleep(time.Millisecond)
		}
		mu.Lock()
		now = now.Add(50 * time.Minute)
		mu.Unlock()
	}
	s.Close(t.Context())
	if r.of(eventhubs.Sent) != 4 {
		t.Error(r.n)
	}
	opt.Key.Value = secret.New("another key")
	s = eventhubs.New(opt)
	s.Send(eventhubs.Event{Body: []byte("x")})
	s.Close(t.Context())
	if r.of(eventhubs.Failed) != 1 {
		t.Error(r.n)
	}
}

// TestParseConnection: what is wrong with a connection string is said without
// it.
func TestParseConnection(t *testing.T) {
	f := func(text, hub, want string) {
		t.Helper()
		u, key, err := eventhubs.ParseConnection(secret.New(text), hub)
		if err != nil {
			if err.Error() != want || strings.Contains(err.Error(), "k3y") {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
			return
		}
		if got := u.String() + " " + key.Name + " " + key.Value.Reveal(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	f("Endpoint=sb://Contoso.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k3y=", "logs", "https://contoso.servicebus.windows.net/logs n k3y=")
	f(" endpoint=sb://c.example ; SharedAccessKeyName=n; sharedAccessKey=k3y;EntityPath=other", "", "https://c.example/other n k3y")
	f("Endpoint=sb://c.example;SharedAccessKeyName=n;SharedAccessKey=k3y", "", "there is no name of an event hub")
	f("Endpoint=sb://c.example;SharedAccessKeyName=n", "logs", "the connection string has no SharedAccessKeyName and SharedAccessKey")
	f("Endpoint=https://c.example;SharedAccessKeyName=n;SharedAccessKey=k3y", "logs", "the connection string has no Endpoint=sb://…")
	f("Endpoint=sb://u:p@c.example/x;SharedAccessKeyName=n;SharedAccessKey=k3y", "logs", "the address of the namespace is no host")
	f("", "logs", "the connection string has no SharedAccessKeyName and SharedAccessKey")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
