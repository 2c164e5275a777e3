package backend

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// MemberStatus is what is known of a member of pools.
type MemberStatus struct {
	// Member is the id of the backend.
	Member string `json:"member"`
	// Host is the host, with a port where it is not the scheme's.
	Host string `json:"host"`
	// AsideUntil is when it is tried again by requests that have another
	// choice. In the past: the next request whose turn it is tries it. Zero:
	// it is in use.
	AsideUntil time.Time `json:"asideUntil,omitzero"`
	// Failures to connect in a row; those that happen while it is set aside
	// count as one. 0: it is in use.
	Failures int `json:"failures"`
	// Error is why no connection could be made at last, for the operator.
	Error string `json:"error,omitempty"`
	// OpenUntil is when the circuit of the backend closes; zero: it is closed.
	OpenUntil time.Time `json:"openUntil,omitzero"`
	// BusyUntil is until when the member has asked to be left alone, because it
	// has no room; zero: it has not.
	BusyUntil time.Time `json:"busyUntil,omitzero"`
}

// Status lists the members of all pools, by id.
func (s *Set) Status() []MemberStatus {
	list := make([]MemberStatus, 0, len(s.members))
	for _, m := range s.members {
		status := MemberStatus{Member: m.id, Host: m.authority}
		if a := m.health.state.Load(); a != nil {
			status.AsideUntil, status.Failures, status.Error = a.until, a.failures, a.err.Error()
		}
		status.OpenUntil, _ = m.breaker.open(s.now)
		status.BusyUntil, _ = pending(&m.breaker.busy, s.now)
		list = append(list, status)
	}
	slices.SortFunc(list, func(a, b MemberStatus) int {
		return cmp.Compare(strings.ToLower(a.Member), strings.ToLower(b.Member))
	})
	return list
}
