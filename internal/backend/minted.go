package backend

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloister-ai/cloister/internal/secret"
)

// minLength is the least length of a value that is looked for, in bytes: of
// shorter ones other texts are full.
const minLength = 8

// keptAfter is how long a token is looked for after its end, because servers
// accept it a little longer.
const keptAfter = 5 * time.Minute

// minted are the credentials that the gateway holds, each with the hosts that
// it is for. Reading takes no lock.
type minted struct {
	now  func() time.Time
	mu   sync.Mutex // guards writing list
	list atomic.Pointer[[]bound]
	// masking is the masker of one list.
	masking atomic.Pointer[listMasker]
}

// bound is one credential.
type bound struct {
	value secret.Value
	hosts []string
	// allowed reports hosts that it is for too; nil: none.
	allowed func(host string) bool
	// expires is zero for one that does not.
	expires time.Time
}

// bind notes that value is for host alone, or for it too.
func (m *minted) bind(value secret.Value, host string, expires time.Time) {
	if len(value.Reveal()) < minLength {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var next []bound
	known := false
	for _, b := range m.all() {
		if !b.expires.IsZero() && m.now().After(b.expires.Add(keptAfter)) {
			continue
		}
		if b.value.Equal(value) {
			known = true
			if !slices.Contains(b.hosts, host) {
				b.hosts = append(slices.Clone(b.hosts), host)
			}
		}
		next = append(next, b)
	}
	if !known {
		next = append(next, bound{value: value, hosts: []string{host}, expires: expires})
	}
	m.list.Store(&next)
}

// bindTo notes a credential that is not known yet.
func (m *minted) bindTo(b bound) {
	if len(b.value.Reveal()) < minLength {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var next []bound
	for _, was := range m.all() {
		if was.value.Equal(b.value) {
			return
		}
		if was.expires.IsZero() || !m.now().After(was.expires.Add(keptAfter)) {
			next = append(next, was)
		}
	}
	next = append(next, b)
	m.list.Store(&next)
}

// isFor reports whether it may go to host.
func (b *bound) isFor(host string) bool {
	return slices.Contains(b.hosts, host) || b.allowed != nil && b.allowed(host)
}

type listMasker struct {
	of     *[]bound
	masker *secret.Masker
}

// masker is the masker of what is held now.
func (m *minted) masker() *secret.Masker {
	list := m.list.Load()
	if was := m.masking.Load(); was != nil && was.of == list {
		return was.masker
	}
	masker := &secret.Masker{}
	if list != nil {
		for _, b := range *list {
			masker.Add(b.value.Reveal())
		}
	}
	masker.Build()
	m.masking.Store(&listMasker{list, masker})
	return masker
}

func (m *minted) all() []bound {
	if p := m.list.Load(); p != nil {
		return *p
	}
	return nil
}

// inHeader reports whether h carries a credential that is not for host.
func (m *minted) inHeader(h http.Header, host string) bool {
	for _, b := range m.all() {
		if b.isFor(host) {
			continue
		}
		value := b.value.Reveal()
		for _, lines := range h {
			for _, line := range lines {
				if len(line) >= len(value) && strings.Contains(line, value) {
					return true
				}
			}
		}
	}
	return false
}

// inURL reports whether u carries one, as it stands or percent-encoded.
func (m *minted) inURL(u *url.URL, host string) bool {
	for _, b := range m.all() {
		if b.isFor(host) {
			continue
		}
		value := b.value.Reveal()
		if strings.Contains(u.Path, value) || strings.Contains(u.RawQuery, value) {
			return true
		}
		if strings.ContainsAny(u.RawQuery, "%+") {
			if text, err := url.QueryUnescape(u.RawQuery); err != nil || strings.Contains(text, value) {
				return true
			}
		}
	}
	return false
}

// Carries reports whether a head holds a credential that the gateway obtained
// or was given for another host than this one (promise 3). Host is HOST or
// HOST:PORT as in a URL.
func (s *Set) Carries(h http.Header, host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	return s.minted.inHeader(h, host)
}

// CarriesURL is [Set.Carries] for the path and the query of a URL, and the host
// that it goes to.
func (s *Set) CarriesURL(u *url.URL) bool {
	return s.minted.inURL(u, strings.TrimSuffix(strings.ToLower(u.Host), ":443"))
}

// Masker knows the credentials that the gateway holds.
func (s *Set) Masker() *secret.Masker {
	if s.minted == nil {
		return &secret.Masker{}
	}
	return s.minted.masker()
}
