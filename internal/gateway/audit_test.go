package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/audit"
	"github.com/cloister-ai/cloister/internal/identity"
	"github.com/cloister-ai/cloister/internal/site"
)

// auditStub is an audit log that a test holds.
type auditStub struct {
	mu      sync.Mutex
	records []audit.Record
	err     error
	durable chan struct{} // Wait waits for it; nil: it does not
}

func (l *auditStub) Append(r *audit.Record) audit.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, *r)
	return audit.Position(len(l.records))
}

func (l *auditStub) Flush(audit.Position) {}

func (l *auditStub) Wait(ctx context.Context, _ audit.Position) error {
	if l.durable != nil {
		select {
		case <-l.durable:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.Err()
}

func (l *auditStub) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *auditStub) all() []audit.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]audit.Record(nil), l.records...)
}

// TestVerifiable: while nothing can be put on record, or nobody can say what
// has been taken from whom, nobody gets in.
func TestVerifiable(t *testing.T) {
	log := &auditStub{err: errors.New("the disk is full")}
	for reason, opt := range map[string]Options{
		"AuditUnavailable": {Audit: log},
		"StateStale":       {Stale: func() bool { return true }},
	} {
		g := New(nil, opt)
		e := (&trip{g: g}).verifiable()
		if e == nil || e.Reason != reason || e.Status != http.StatusServiceUnavailable || !e.Frame || e.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", reason, e)
		}
		if e != nil && e.Cause != nil && strings.Contains(e.PublicMessage, e.Cause.Error()) {
			t.Error("the caller learns the cause")
		}
	}
	if e := (&trip{g: New(nil, Options{Audit: &auditStub{}, Stale: func() bool { return false }})}).verifiable(); e != nil {
		t.Error(e)
	}
}

// TestNoAnswerWithoutRecord: an answer whose record is not on disk is held
// back, whatever ended the waiting for it.
func TestNoAnswerWithoutRecord(t *testing.T) {
	snap, rt := snapshotOf(t)
	for name, log := range map[string]*auditStub{
		"the log fails":               {err: errors.New("the disk is full")},
		"the request's time runs out": {durable: make(chan struct{})},
	} {
		g := New(snap, Options{Audit: log})
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(ErrRequestTimeout)
		tr := &trip{g: g, s: snap, ctx: ctx, found: rt, conn: &Conn{}, call: &Call{}}
		if e := tr.account(); e == nil || e.Status != http.StatusServiceUnavailable || !e.Frame {
			t.Errorf("%s: %+v", name, e)
		}
		if len(log.all()) != 1 {
			t.Errorf("%s: %d records", name, len(log.all()))
		}
	}
}

// fullLog has no room for records.
type fullLog struct{ auditStub }

func (l *fullLog) Append(*audit.Record) audit.Position { return 0 }

// TestNothingLeavesWithoutRecord: a request for which the log has no room goes
// no further.
func TestNothingLeavesWithoutRecord(t *testing.T) {
	snap, rt := snapshotOf(t)
	tr := &trip{g: New(snap, Options{Audit: &fullLog{}}), s: snap, ctx: t.Context(), found: rt, conn: &Conn{}, call: &Call{}}
	if e := tr.auditAllow(); e == nil || e.Status != http.StatusServiceUnavailable || tr.audited {
		t.Errorf("%+v", e)
	}
}

// TestBindingEnds: a certificate that is taken out of a binding ends what it
// came by, and another's goes on.
func TestBindingEnds(t *testing.T) {
	snap, rt := snapshotOf(t)
	g := New(snap, Options{})
	sub := *snap.directory.Get("bound")
	ones := map[string]*trip{}
	for _, fingerprint := range []string{strings.Repeat("f", 64), strings.Repeat("e", 64)} {
		tr := &trip{g: g, s: snap, found: rt, conn: &Conn{}, who: &caller{subscription: snap.directory.Get("bound"), principal: &identity.Principal{Kind: identity.KindCertificate}}}
		tr.shown.certificate = fingerprint
		if e := tr.enter(); e != nil {
			t.Fatal(e)
		}
		ones[fingerprint[:1]] = tr
	}
	sub.Binding = &site.Binding{Certificates: []string{strings.Repeat("e", 64)}}
	if err := snap.directory.Put(sub); err != nil {
		t.Fatal(err)
	}
	if n := g.Revoke(); n != 1 || ones["f"].holder.ended == nil || ones["e"].holder.ended != nil {
		t.Errorf("%d ended", n)
	}
}

// TestHolders: of the requests under way those end whose caller has lost its
// right, at once where an attempt is under way, and at the next attempt where
// none is.
func TestHolders(t *testing.T) {
	snap, rt := snapshotOf(t)
	g := New(snap, Options{})
	enter := func(id, key string, conn uint64) (*trip, context.Context) {
		t.Helper()
		sub, which, ok := snap.directory.Lookup(keyOf(key))
		if !ok || sub.ID != id {
			t.Fatalf("%v %v", sub, ok)
		}
		tr := &trip{g: g, s: snap, found: rt, conn: &Conn{ID: conn}, who: &caller{subscription: sub, key: which}}
		if e := tr.enter(); e != nil {
			t.Fatal(e)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		tr.holder.endBy(cancel)
		return tr, ctx
	}
	var trips []*trip
	contexts := map[string]context.Context{}
	for i, id := range []string{"all", "product", "own"} {
		tr, ctx := enter(id, id, uint64(i))
		trips, contexts[id] = append(trips, tr), ctx
	}
	sub := *snap.directory.Get("all")
	sub.State = "suspended"
	if err := snap.directory.Put(sub); err != nil {
		t.Fatal(err)
	}
	snap.directory.Remove("product")
	if n := g.Revoke("ALL"); n != 1 || !errors.Is(context.Cause(contexts["all"]), errRevoked) || contexts["product"].Err() != nil {
		t.Errorf("%d ended: %v", n, context.Cause(contexts["all"]))
	}
	if n := g.Revoke(); n != 1 || !errors.Is(context.Cause(contexts["product"]), errRevoked) || contexts["own"].Err() != nil {
		t.Errorf("%d ended", n)
	}
	// The next attempt of one that has ended ends at once.
	ctx, cancel := context.WithCancelCause(context.Background())
	trips[0].holder.endBy(cancel)
	if !errors.Is(context.Cause(ctx), errRevoked) {
		t.Error("an attempt after the end goes on")
	}
	if n := g.CutStale(); n != 1 || !errors.Is(context.Cause(contexts["own"]), errStale) {
		t.Errorf("%d cut: %v", n, context.Cause(contexts["own"]))
	}
	for _, tr := range trips {
		tr.holder.leave()
		tr.holder.leave()
	}
	for i := range g.live.shards {
		if g.live.shards[i].first != nil {
			t.Error("somebody is still on the books")
		}
	}
	// What is taken between identify and enter does not slip through.
	late := &trip{g: g, s: snap, found: rt, conn: &Conn{}, who: &caller{subscription: trips[0].who.subscription, key: "primary"}}
	if e := late.enter(); e == nil || e.Reason != "SubscriptionRevoked" {
		t.Errorf("%+v", e)
	}
	late.holder.leave()
}

// TestHoldersConcurrently: entering, leaving and revoking at once lose nobody.
func TestHoldersConcurrently(t *testing.T) {
	snap, rt := snapshotOf(t)
	g := New(snap, Options{})
	sub, _, _ := snap.directory.Lookup(keyOf("all"))
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 300 {
				tr := &trip{g: g, s: snap, found: rt, conn: &Conn{ID: uint64(worker*1000 + i)}, who: &caller{subscription: sub, key: "primary"}}
				tr.enter()
				_, cancel := context.WithCancelCause(context.Background())
				tr.holder.endBy(cancel)
				if worker == 0 && i%50 == 0 {
					g.Revoke()
				}
				tr.holder.leave()
				cancel(fmt.Errorf("over"))
			}
		})
	}
	all.Wait()
	for i := range g.live.shards {
		if g.live.shards[i].first != nil {
			t.Fatal("somebody is still on the books")
		}
	}
}
