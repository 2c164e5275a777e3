package backend

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/identity/acquire"
	"github.com/cloister-ai/cloister/internal/network/egress"
)

// Set is the backends of one site. It is immutable but for its connections,
// tokens, turns and what it learns of members, and safe for concurrent use.
type Set struct {
	dialer *egress.Dialer
	log    *slog.Logger
	now    func() time.Time
	minted *minted
	// retries is nil where nothing bounds them.
	retries Retries
	// services are those of all declared backends, members those of all pools.
	services, members []*service
	// byID is keyed by the id in lower case.
	byID map[string]*Backend
	// byOrigin lists the single backends of an origin, the longest path first.
	byOrigin map[origin][]*Backend
	// known spares the search for base URLs that the site itself holds.
	known map[baseKey]*Backend
	// shared connects to hosts that no backend is declared for.
	shared *ways
	ways   []*ways
	// certified are those of policies that show a certificate.
	certified certified
	sources   []*acquire.Cache
}

// origin is what a credential is bound to.
type origin struct{ scheme, authority string }

// baseKey is what counts of a base URL.
type baseKey struct{ scheme, host, path, rawPath string }

func keyOf(u *url.URL) baseKey { return baseKey{u.Scheme, u.Host, u.Path, u.RawPath} }

// Backend is one backend as requests use it: single, or a pool.
type Backend struct {
	set *Set
	id  string
	// url is nil for pools.
	url *url.URL
	// base is where requests go below the host. Members of a pool have their
	// own; then it is not used.
	base basePath
	one  *service // nil for pools
	pool *pool
	// cookie is that of sessions which stay at one member; empty: none do.
	cookie string
	paths  []string
	pass   bool
}

// ID is the backend's id, or its URL where the site declares none for it.
func (b *Backend) ID() string { return b.id }

// Endpoints are the private endpoints by which the backend is reached, each with
// its addresses; of a pool those of all members. Empty: there is none.
func (b *Backend) Endpoints() string {
	if b.one != nil {
		if e := b.one.endpoint(b.set.dialer); e != nil {
			return e.Label
		}
		return ""
	}
	var labels []string
	for _, l := range b.pool.levels {
		for _, m := range l.services {
			if e := m.endpoint(b.set.dialer); e != nil && !slices.Contains(labels, e.Label) {
				labels = append(labels, e.Label)
			}
		}
	}
	return strings.Join(labels, ", ")
}

// URL is where the backend is; nil for a pool.
func (b *Backend) URL() *url.URL { return b.url }

// BasePaths are the paths below the host that requests may be sent under, in
// the form in which they are sent and without a slash at their end: one, or
// those of a pool's members. The slice must not be changed.
func (b *Backend) BasePaths() []string { return b.paths }

// PassCallerToken reports whether the caller's own credential may travel on.
// Of a pool every member has to say so.
func (b *Backend) PassCallerToken() bool { return b.pass }

// Lookup finds a backend by id, without case, or by base URL where id is
// empty: the declared backend of that scheme, host and port with the longest
// path that base lies below, and its requests then go below base. A base URL
// without a backend of its own is reached without credential where
// destinations.model lists it. The error is an [*UnknownError].
func (s *Set) Lookup(id string, base *url.URL) (*Backend, error) {
	if id != "" {
		if b := s.byID[strings.ToLower(id)]; b != nil {
			return b, nil
		}
		return nil, &UnknownError{ID: id}
	}
	if base == nil {
		return nil, &UnknownError{}
	}
	if b := s.known[keyOf(base)]; b != nil && base.User == nil && base.RawQuery == "" {
		return b, nil
	}
	return s.search(base)
}

func (s *Set) search(u *url.URL) (*Backend, error) {
	unknown := &UnknownError{URL: u.Redacted()}
	p, err := parse(u)
	if err != nil {
		return nil, unknown
	}
	for _, b := range s.byOrigin[p.origin] {
		switch {
		case b.base == p.base:
			return b, nil
		case p.base.below(b.base):
			at := *b
			at.url, at.base, at.paths = p.url(), p.base, []string{p.base.escaped}
			return &at, nil
		}
	}
	if !s.dialer.Listed(egress.Model, p.host, p.port) || p.scheme == "http" && !s.dialer.LoopbackOnly(egress.Model, p.host, p.port) {
		return nil, unknown
	}
	id := p.url().String()
	return s.single(&service{id: id, scheme: p.scheme, authority: p.authority, base: p.base, ways: s.shared}, p), nil
}

// single makes the backend of one service.
func (s *Set) single(at *service, p place) *Backend {
	return &Backend{
		set: s, id: at.id, url: p.url(), base: p.base, one: at,
		paths: []string{p.base.escaped}, pass: at.passCallerToken,
	}
}

// CloseIdle closes the connections that no request uses. After a reload it is
// called on the set that is no longer in force, once its requests are over.
func (s *Set) CloseIdle() {
	for _, w := range s.ways {
		w.closeIdle()
	}
	s.certified.closeIdle()
}

// place is a backend's URL, taken apart.
type place struct {
	origin
	host string
	port uint16
	base basePath
}

var errNotPlain = errors.New("the URL has a query, a fragment, or a path with dot segments or empty ones")

// parse reads http(s)://HOST[:PORT][/PATH], and ws(s) as the same.
func parse(u *url.URL) (place, error) {
	scheme, host, port, err := egress.SplitURL(u.String())
	if err != nil {
		return place{}, err
	}
	base, ok := baseOf(u)
	if !ok || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return place{}, errNotPlain
	}
	standard := uint16(443)
	switch scheme {
	case "wss":
		scheme = "https"
	case "http", "ws":
		scheme, standard = "http", 80
	}
	authority := host
	switch {
	case port != standard:
		authority = net.JoinHostPort(host, strconv.Itoa(int(port)))
	case strings.Contains(host, ":"):
		authority = "[" + host + "]"
	}
	return place{origin{scheme, authority}, host, port, base}, nil
}

func (p place) url() *url.URL {
	return &url.URL{Scheme: p.scheme, Host: p.authority, Path: p.base.path, RawPath: rawPath(p.base)}
}

func rawPath(b basePath) string {
	if b.path == b.escaped {
		return ""
	}
	return b.escaped
}

// index makes single backends known by their origin.
func (s *Set) index(b *Backend, p place) {
	s.byOrigin[p.origin] = append(s.byOrigin[p.origin], b)
	slices.SortFunc(s.byOrigin[p.origin], byPathLength)
}
