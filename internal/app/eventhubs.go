package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/network/egress"
	"github.com/cloister-ai/cloister/internal/policy"
	"github.com/cloister-ai/cloister/internal/policy/eventhubs"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
	"github.com/cloister-ai/cloister/internal/telemetry"
)

// eventHubsResource is what tokens for Event Hubs are for.
const eventHubsResource = "https://eventhubs.azure.net"

// hub is where a logger sends to, and how it logs in.
type hub struct {
	url *url.URL
	key eventhubs.Key
	// identity is nil where key counts.
	identity *site.ManagedIdentity
}

// same tells hubs apart by a digest that holds the key.
func (h *hub) same() [32]byte {
	client := "-"
	if h.identity != nil {
		client = h.identity.ClientID
	}
	return sha256.Sum256([]byte(strings.Join([]string{h.url.String(), h.key.Name, h.key.Value.Reveal(), client}, "\x00")))
}

// hubOf is the event hub of a logger, or why it is none that can be used.
func (b *built) hubOf(l *site.Logger) (*hub, error) {
	if !strings.EqualFold(l.Type, "azureEventHub") {
		return nil, fmt.Errorf("its loggerType is %q, not azureEventHub", l.Type)
	}
	fill := func(text string) (string, error) {
		v, err := b.values.Fill(text)
		return strings.TrimSpace(v.Reveal()), err
	}
	name, err := fill(l.Hub)
	if err != nil {
		return nil, err
	}
	h := &hub{}
	switch {
	case l.ConnectionString != "":
		connection, err := b.values.Fill(l.ConnectionString)
		if err != nil {
			return nil, err
		}
		if h.url, h.key, err = eventhubs.ParseConnection(connection, name); err != nil {
			return nil, err
		}
	case l.Endpoint != "" && (l.SystemAssigned || l.ClientID != ""):
		endpoint, err := fill(l.Endpoint)
		if err != nil {
			return nil, err
		}
		client, err := fill(l.ClientID)
		if err != nil {
			return nil, err
		}
		if h.url, err = eventhubs.HubURL(endpoint, name); err != nil {
			return nil, err
		}
		if !b.dialer.MetadataOpen() && os.Getenv("IDENTITY_ENDPOINT") == "" {
			return nil, errors.New("the managed identity cannot be asked: list 169.254.169.254, port 80, in destinations.identity")
		}
		h.identity = &site.ManagedIdentity{Resource: eventHubsResource, ClientID: client}
	default:
		return nil, errors.New("its credentials have neither a connectionString nor endpointAddress and identityClientId")
	}
	if b.mayCall(h.url) != nil {
		return nil, errors.New("destinations.call does not list the host of its namespace")
	}
	return h, nil
}

// mayLog says why a policy cannot log to a logger; nil: it can.
func (b *built) mayLog(id string) error {
	for _, l := range b.site.Service.Loggers {
		if !strings.EqualFold(l.ID, id) {
			continue
		}
		h, err := b.hubOf(l)
		if err == nil {
			b.hubs[id] = h
		}
		return err
	}
	return errors.New("there is no such logger")
}

// events sends the messages of log-to-eventhub, to the loggers of the site in
// force.
type events struct {
	calls   *calls
	dialer  func() *egress.Dialer
	now     func() time.Time
	log     *slog.Logger
	metrics *telemetry.Metrics
	// closing are senders of sites before, which send what waits.
	closing sync.WaitGroup

	mu      sync.RWMutex // guards the rest
	senders map[string]*hubSender
	closed  bool
}

type hubSender struct {
	*eventhubs.Sender
	same [32]byte
}

// Log is [policy.EventSender].
func (e *events) Log(logger string, m policy.EventMessage) bool {
	e.mu.RLock()
	s := e.senders[logger]
	e.mu.RUnlock()
	if s == nil {
		e.metrics.Background("eventhub", eventhubs.Dropped)
		return false
	}
	return s.Send(eventhubs.Event{Body: m.Body, PartitionID: m.PartitionID, PartitionKey: m.PartitionKey})
}

// follow takes over the loggers of a site: those that are as before go on.
func (e *events) follow(hubs map[string]*hub) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	next := map[string]*hubSender{}
	for id, h := range hubs {
		same := h.same()
		if was := e.senders[id]; was != nil && was.same == same {
			next[id] = was
			continue
		}
		next[id] = e.sender(id, h, same)
	}
	for id, was := range e.senders {
		if next[id] != was {
			e.closing.Go(func() { was.end(context.Background()) })
		}
	}
	e.senders = next
}

func (e *events) sender(id string, h *hub, same [32]byte) *hubSender {
	opt := eventhubs.Options{
		Hub: h.url, Key: h.key, Transport: callTransport{e.calls}, Now: e.now, Log: e.log.With(slog.String("logger", id)),
		Done: func(result string) { e.metrics.Background("eventhub", result) },
	}
	if h.identity != nil {
		opt.Token = (&hubToken{identity: h.identity, events: e}).token
	}
	return &hubSender{Sender: eventhubs.New(opt), same: same}
}

// hubToken obtains tokens over the dialer in force, which a reload replaces.
type hubToken struct {
	identity *site.ManagedIdentity
	events   *events

	mu     sync.Mutex // guards the rest
	dialer *egress.Dialer
	cache  *acquire.Cache
}

func (t *hubToken) token(ctx context.Context) (secret.Value, error) {
	cache, err := t.source()
	if err != nil {
		return secret.Value{}, err
	}
	v, _, err := cache.Token(ctx)
	return v, err
}

func (t *hubToken) source() (*acquire.Cache, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.events.dialer()
	if t.cache != nil && t.dialer == d {
		return t.cache, nil
	}
	cache, err := acquire.ManagedIdentity(t.identity, acquire.Options{
		Client:           d.Client(egress.Identity, egress.TransportOptions{MaxConns: 4}, issuerTimeout),
		InstanceMetadata: d.InstanceMetadata(), Now: t.events.now, Log: t.events.log,
	})
	if err == nil {
		t.dialer, t.cache = d, cache
	}
	return cache, err
}

// end sends what waits, for a while.
func (s *hubSender) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	s.Close(ctx)
}

// close ends all senders, at the same time.
func (e *events) close(ctx context.Context) {
	if e == nil {
		return
	}
	e.mu.Lock()
	senders := e.senders
	e.senders, e.closed = nil, true
	e.mu.Unlock()
	for _, s := range senders {
		e.closing.Go(func() { s.end(ctx) })
	}
	e.closing.Wait()
}

// callTransport goes the way of policies out, of whatever site is in force.
type callTransport struct{ calls *calls }

func (t callTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	way, _ := t.calls.transports().to(r.URL, nil)
	return way.RoundTrip(r)
}
