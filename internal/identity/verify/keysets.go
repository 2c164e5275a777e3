package verify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// KeySetOptions are what [NewKeySets] is made of.
type KeySetOptions struct {
	// Client gives the HTTP client for an OpenID configuration: the egress
	// dialer's. It is asked before each fetch, so that a set outlives what it was
	// opened under. Required.
	Client func(configuration string) *http.Client
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
	// Log takes what goes wrong with key sets; nil: nothing.
	Log *slog.Logger
	// RefreshEvery, AskEvery and StaleAfter are as in [Options].
	RefreshEvery, AskEvery, StaleAfter time.Duration
	// Most bounds the sets that are open; 0: 64.
	Most int
}

// KeySets are the key sets that policies name, by the URL of the OpenID
// configuration. A set is fetched once for all who name it, kept fresh like
// that of an issuer of the site, and closed when others need its place. Its
// methods may be called from any goroutine.
type KeySets struct {
	opt KeySetOptions
	now func() time.Time

	mu     sync.Mutex // guards byURL and closed
	byURL  map[string]*RemoteSet
	closed bool
}

// RemoteSet is the key set behind one OpenID configuration.
type RemoteSet struct {
	configuration string
	client        func(configuration string) *http.Client
	keys          *remoteKeys
	stop          context.CancelFunc
	done          chan struct{}
	used          atomic.Int64 // Unix nanoseconds
}

const (
	mostKeySets = 64
	// keptSet is how long a set is safe from those that need its place: computed
	// URLs must not make the gateway fetch all the time.
	keptSet = time.Minute
)

// NewKeySets opens nothing yet.
func NewKeySets(opt KeySetOptions) *KeySets {
	with := Options{
		Now: opt.Now, Log: opt.Log,
		RefreshEvery: opt.RefreshEvery, AskEvery: opt.AskEvery, StaleAfter: opt.StaleAfter,
	}.withDefaults()
	opt.Log, opt.RefreshEvery, opt.AskEvery, opt.StaleAfter = with.Log, with.RefreshEvery, with.AskEvery, with.StaleAfter
	if opt.Most <= 0 {
		opt.Most = mostKeySets
	}
	return &KeySets{opt: opt, now: with.Now, byURL: make(map[string]*RemoteSet)}
}

// Open is the set of a configuration, which is an https URL. It does not wait
// for its keys.
func (k *KeySets) Open(configuration string) (*RemoteSet, error) {
	if len(configuration) > maxConfigurationURL {
		return nil, fmt.Errorf("the URL of the configuration has %d bytes", len(configuration))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if s := k.byURL[configuration]; s != nil {
		s.used.Store(now.UnixNano())
		return s, nil
	}
	if err := checkHTTPS(configuration); err != nil {
		return nil, err
	}
	if k.closed {
		return nil, fmt.Errorf("the key sets are closed")
	}
	if len(k.byURL) >= k.opt.Most {
		oldest := k.oldest()
		if now.Sub(time.Unix(0, oldest.used.Load())) < keptSet {
			return nil, fmt.Errorf("%d key sets are in use, no more are opened", len(k.byURL))
		}
		delete(k.byURL, oldest.configuration)
		oldest.stop()
	}
	s := k.begin(configuration)
	s.used.Store(now.UnixNano())
	k.byURL[configuration] = s
	return s, nil
}

const maxConfigurationURL = 2048

func (k *KeySets) oldest() *RemoteSet {
	var oldest *RemoteSet
	for _, s := range k.byURL {
		if oldest == nil || s.used.Load() < oldest.used.Load() {
			oldest = s
		}
	}
	return oldest
}

func (k *KeySets) begin(configuration string) *RemoteSet {
	ctx, stop := context.WithCancel(context.Background())
	s := &RemoteSet{configuration: configuration, client: k.opt.Client, stop: stop, done: make(chan struct{})}
	s.keys = &remoteKeys{
		fetch: s.fetch, now: k.now, log: k.opt.Log.With("configuration", configuration),
		refreshEvery: k.opt.RefreshEvery, askEvery: k.opt.AskEvery, staleAfter: k.opt.StaleAfter,
		kick: make(chan struct{}, 1), unknown: make(map[string]time.Time), round: newRound(),
	}
	go func() {
		defer close(s.done)
		s.keys.run(ctx)
	}()
	return s
}

// Fetch is the key set of a configuration as it is now. The caller waits for it,
// and nobody keeps it fresh: it is for those who describe the world, not for
// gateways. Without keys it is a set that has none in hand.
func Fetch(ctx context.Context, client *http.Client, configuration string, now func() time.Time) (*RemoteSet, error) {
	if err := checkHTTPS(configuration); err != nil {
		return nil, err
	}
	with := Options{Now: now}.withDefaults()
	s := &RemoteSet{configuration: configuration, client: func(string) *http.Client { return client }}
	s.keys = &remoteKeys{fetch: s.fetch, now: with.Now, log: with.Log, staleAfter: with.StaleAfter, closed: true}
	s.keys.refresh(ctx)
	return s, nil
}

// Close stops fetching and waits for what is under way.
func (k *KeySets) Close() {
	k.mu.Lock()
	k.closed = true
	sets := make([]*RemoteSet, 0, len(k.byURL))
	for _, s := range k.byURL {
		sets = append(sets, s)
	}
	k.mu.Unlock()
	for _, s := range sets {
		s.stop()
	}
	for _, s := range sets {
		<-s.done
	}
}

// fetch reads the configuration and the key set that it names. Which issuer
// the set is of, the configuration says: whoever wrote its URL trusts it.
func (s *RemoteSet) fetch(ctx context.Context) (*KeySet, []KeyProblem, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	client := *s.client(s.configuration)
	defer client.CloseIdleConnections()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	m, err := fetchMetadata(ctx, &client, s.configuration)
	if err != nil {
		return nil, nil, err
	}
	set, problems, err := fetchKeySet(ctx, &client, m.keys)
	if err != nil {
		return nil, nil, err
	}
	set.issuer = m.issuer
	return set, problems, nil
}

// issuer is what the set in hand is of; empty: there is none in hand.
func (s *RemoteSet) issuer() string {
	if set := s.keys.usable(s.keys.now()); set != nil {
		return set.issuer
	}
	return ""
}
