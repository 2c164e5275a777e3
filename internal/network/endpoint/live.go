package endpoint

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/cloister-ai/cloister/internal/site"
)

// Codes of a [Refusal]; the dialer's refusals have the same.
const (
	CodeNotApproved = "endpoint-not-approved" // the connection is not approved
	CodeAddress     = "endpoint-address"      // not an address of the endpoint
)

// Refusal says why nothing goes to a host or an address.
type Refusal struct {
	Endpoint *Endpoint
	Code     string
	// Reason is for the operator, without a full stop; Mend says what to do.
	Reason, Mend string
}

// Decision is what an operator has decided.
type Decision struct {
	// ID is that of the endpoint.
	ID string
	// State is one of [States]; anything else is a rejection.
	State       string
	Description string
}

// Live is what is decided now and what is open, for as long as the process runs.
// Its methods may be called from any goroutine.
type Live struct {
	// decisions by id; the map is never changed.
	decisions atomic.Pointer[map[string]Decision]
	// inForce is the view of the site that is served; nil: none yet.
	inForce atomic.Pointer[View]

	mu   sync.Mutex // guards open, and orders it with decisions and inForce
	open map[*Held]struct{}
}

// NewLive knows of no decision.
func NewLive() *Live {
	l := &Live{open: map[*Held]struct{}{}}
	l.decisions.Store(&map[string]Decision{})
	return l
}

// View is a set with what is decided about it. Once it has been in force, the one
// that is in force answers in its place: what was begun under a site that is
// replaced ends under the rules of the one that replaced it. The nil View has no
// endpoint.
type View struct {
	live    *Live
	set     *Set
	entered atomic.Bool
}

// View looks at a set.
func (l *Live) View(s *Set) *View { return &View{live: l, set: s} }

// Set is that of the view.
func (v *View) Set() *Set {
	if v == nil {
		return &Set{}
	}
	if v.entered.Load() {
		return v.live.inForce.Load().set
	}
	return v.set
}

// Decided takes decisions over; whole: there are no others. It returns how many
// open connections were cut by that.
func (l *Live) Decided(list []Decision, whole bool) int {
	l.mu.Lock()
	next := map[string]Decision{}
	if !whole {
		for id, d := range *l.decisions.Load() {
			next[id] = d
		}
	}
	for _, d := range list {
		next[d.ID] = d
	}
	l.decisions.Store(&next)
	return l.cut()
}

// Enforce puts a view in force. It returns how many open connections were cut by
// that.
func (l *Live) Enforce(v *View) int {
	l.mu.Lock()
	l.inForce.Store(v)
	v.entered.Store(true)
	return l.cut()
}

// cut ends what may not go on, and lets go of mu.
func (l *Live) cut() int {
	type ended struct {
		h *Held
		r *Refusal
	}
	var list []ended
	for h := range l.open {
		if _, r := h.view.Judge(h.host, h.addr); r != nil {
			list = append(list, ended{h, r})
			delete(l.open, h)
		}
	}
	l.mu.Unlock()
	for _, e := range list {
		e.h.end(e.r)
	}
	return len(list)
}

// State is that of an endpoint's connection, with the reason that was given for
// it; decided: by an operator, not by the document.
func (v *View) State(e *Endpoint) (state, description string, decided bool) {
	d, decided := (*v.live.decisions.Load())[e.ID]
	if !decided {
		return e.Status, e.Description, false
	}
	for _, s := range States() {
		if d.State == s {
			return s, d.Description, true
		}
	}
	return site.ConnectionRejected, "the decision about it cannot be read", true
}

// Host is the endpoint by which a host is reached, and why it is not reached now.
// Both are nil for a host without an endpoint.
func (v *View) Host(host string) (*Endpoint, *Refusal) {
	if v == nil {
		return nil, nil
	}
	e := v.Set().byHost[host]
	if e == nil {
		return nil, nil
	}
	return e, v.approved(e)
}

// Judge is the endpoint that an address of a host belongs to, and why it is not
// reached now.
func (v *View) Judge(host string, a netip.Addr) (*Endpoint, *Refusal) {
	if v == nil {
		return nil, nil
	}
	e, r := v.Host(host)
	switch {
	case r != nil:
		return e, r
	case e != nil && !e.Has(a):
		return e, &Refusal{Endpoint: e, Code: CodeAddress,
			Reason: fmt.Sprintf("%s is reached through the private endpoint %q, and this is not its address", host, e.Name),
			Mend:   "let the name lead to " + e.Own() + ", or list another host"}
	case e != nil:
		return e, nil
	}
	if e = v.Set().byAddr[a.Unmap()]; e == nil {
		return nil, nil
	}
	return e, v.approved(e)
}

func (v *View) approved(e *Endpoint) *Refusal {
	state, why, _ := v.State(e)
	if state == site.ConnectionApproved {
		return nil
	}
	r := &Refusal{Endpoint: e, Code: CodeNotApproved, Reason: fmt.Sprintf("the connection of the private endpoint %q is %s", e.Name, state)}
	if why != "" {
		r.Reason += " (" + why + ")"
	}
	if state == site.ConnectionDisconnected {
		r.Mend = (&StateError{State: state}).Mend()
	} else {
		r.Mend = "cloister network connections approve " + e.Name
	}
	return r
}

// Held is an open connection.
type Held struct {
	live *Live
	view *View
	host string
	addr netip.Addr
	end  func(*Refusal)
}

// Hold keeps an open connection to a host, and calls end, once, when it may not
// go on. Where it may not even begin, the refusal says why, and end is not called.
// The nil View holds nothing.
func (v *View) Hold(host string, a netip.Addr, end func(*Refusal)) (*Held, *Endpoint, *Refusal) {
	if v == nil {
		return nil, nil, nil
	}
	h := &Held{live: v.live, view: v, host: host, addr: a, end: end}
	v.live.mu.Lock()
	defer v.live.mu.Unlock()
	e, r := v.Judge(host, a)
	if r != nil {
		return nil, e, r
	}
	v.live.open[h] = struct{}{}
	return h, e, nil
}

// Release forgets the connection. It may be called more than once, and of nil.
func (h *Held) Release() {
	if h == nil {
		return
	}
	h.live.mu.Lock()
	defer h.live.mu.Unlock()
	delete(h.live.open, h)
}

// Open is how many connections are held.
func (l *Live) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}
