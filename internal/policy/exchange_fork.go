package policy

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloister-ai/cloister/internal/cache"
)

// Policies in wait run at the same time, and yet an exchange belongs to one
// goroutine at a time: they take turns. Who has the turn finds its own variables,
// request and response in the exchange; who waits for others, in apart, gives it
// away meanwhile. So nothing of an exchange, no value of an expression and no
// hook of the gateway is ever used by two at once, and what takes time (calls,
// waits) overlaps.

// overlay is what each of them has of its own.
type overlay struct {
	variables Variables
	request   Request
	response  *Response
	making    *outgoing
	at        *place
	// What lookups of caches leave.
	looked     *responseLookup
	completion *completionLookup
	kept       store
}

// overlay takes what is in the exchange.
func (x *Exchange) overlay() overlay {
	return overlay{x.Variables, x.Request, x.Response, x.making, x.at, x.response, x.completion, x.kept}
}

// put puts an overlay into the exchange.
func (x *Exchange) put(o overlay) {
	x.Variables, x.Request, x.Response, x.making, x.at = o.variables, o.request, o.response, o.making, o.at
	x.response, x.completion, x.kept = o.looked, o.completion, o.kept
}

// fork is a copy that changes alone. The bodies of both are shared: who reads one
// has read it for all.
func (o *overlay) fork() overlay {
	out := *o
	out.variables = o.variables.clone()
	out.variables.journal = &journal{}
	out.request.Header = o.request.Header.Clone()
	if o.response != nil {
		response := *o.response
		response.Header, response.shared = o.response.Header.Clone(), true
		out.response = &response
	}
	return out
}

// apart runs what waits for others, and touches nothing of the exchange. Within
// wait others have their turn meanwhile.
func (x *Exchange) apart(f func()) {
	if x.turn == nil {
		f()
		return
	}
	own, turn := x.overlay(), x.turn
	turn.Unlock()
	defer func() {
		turn.Lock()
		x.put(own)
	}()
	f()
}

// taken is one of several that run at the same time.
type taken struct {
	overlay
	flow  flow
	err   *Error
	panic any
}

// turns are given by the surroundings; nil: who comes first is next.
func (x *Exchange) turns() Turns {
	if x.Services == nil {
		return nil
	}
	return x.Services.Turns
}

// atOnce runs do for each of n, at most so many at the same time. It does not give
// the turn of the exchange away, and do does not touch the exchange.
func (x *Exchange) atOnce(n, most int, do func(i int)) {
	if turns := x.turns(); turns != nil {
		x.apart(func() { turns.Together(n, do) })
		return
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, most)
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	running.Wait()
}

// noLock is the turn where [Turns] give it.
type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

// together runs each of n at the same time. done hears of each that has ended, by
// its number, before others have their turn; the exchange is not its to touch.
func (x *Exchange) together(n int, do func(i int) (flow, *Error), done func(i int, t *taken)) []taken {
	before, first := x.overlay(), x.turn == nil
	turns := x.turns()
	if first {
		x.turn = new(sync.Mutex)
		if turns != nil {
			x.turn = noLock{}
		}
		x.turn.Lock()
	}
	all := make([]taken, n)
	for i := range all {
		all[i].overlay = before.fork()
	}
	one := func(i int) {
		x.take(&all[i], func() (flow, *Error) { return do(i) }, func() { done(i, &all[i]) })
	}
	x.apart(func() {
		if turns != nil {
			turns.Together(n, one)
			return
		}
		var running sync.WaitGroup
		for i := range all {
			running.Go(func() { one(i) })
		}
		running.Wait()
	})
	if first {
		x.turn.Unlock()
		x.turn = nil
	}
	for i := range all {
		if all[i].panic != nil {
			panic(all[i].panic)
		}
	}
	return all
}

// take has its turn for as long as do and done run.
func (x *Exchange) take(t *taken, do func() (flow, *Error), done func()) {
	turn := x.turn
	turn.Lock()
	x.put(t.overlay)
	defer func() {
		// Panics that are not errors of policies are for whoever waits.
		t.panic = recover()
		t.overlay = x.overlay()
		done()
		turn.Unlock()
	}()
	defer recoverStep(x, &t.err)
	t.flow, t.err = do()
}

// await waits until done is closed, or for no longer than most.
func (x *Exchange) await(ctx context.Context, done <-chan struct{}, most time.Duration) (err error) {
	x.apart(func() {
		if turns := x.turns(); turns != nil {
			err = turns.Await(ctx, done, most)
			return
		}
		waiting, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		err = cache.Wait(waiting, done)
	})
	return err
}

// merge brings what one of them has changed into the exchange, which is as it was
// before they ran, or as those before it have left it.
func (x *Exchange) merge(before *overlay, o *overlay) {
	for _, name := range o.variables.journal.names {
		if v, ok := o.variables.Get(name); ok {
			x.Variables.Set(name, v)
		} else {
			x.Variables.remove(name)
		}
	}
	was, now, r := &before.request, &o.request, &x.Request
	if now.Method != was.Method {
		r.Method = now.Method
	}
	if now.Backend != was.Backend {
		r.Backend = now.Backend
	}
	if now.Path != was.Path || now.Query != was.Query {
		r.Path, r.Query = now.Path, now.Query
	}
	r.Header = mergeHeader(r.Header, was.Header, now.Header)
	if now.Certificate != was.Certificate {
		r.Certificate = now.Certificate
	}
	if now.Body != was.Body {
		r.Body = now.Body
	}
	if o.looked != before.looked {
		x.response = o.looked
	}
	if o.completion != before.completion {
		x.completion = o.completion
	}
	x.mergeResponse(before.response, o.response)
	x.kept = o.kept
}

func (x *Exchange) mergeResponse(was, now *Response) {
	switch {
	case now == nil:
	case !now.shared:
		x.dropResponse()
		x.Response = now
	case x.Response != nil:
		r := x.Response
		if now.StatusCode != was.StatusCode || now.Reason != was.Reason {
			r.StatusCode, r.Reason = now.StatusCode, now.Reason
		}
		r.Header = mergeHeader(r.Header, was.Header, now.Header)
		if now.Body != was.Body {
			r.dropBody()
			r.Body = now.Body
		}
	}
}

// mergeHeader applies to h what makes now of was.
func mergeHeader(h, was, now http.Header) http.Header {
	for name, values := range now {
		if before, ok := was[name]; ok && slices.Equal(before, values) {
			continue
		}
		if h == nil {
			h = http.Header{}
		}
		h[name] = values
	}
	for name := range was {
		if _, ok := now[name]; !ok {
			delete(h, name)
		}
	}
	return h
}

// journal are the names of variables that were set.
type journal struct{ names []string }

func (j *journal) add(name string) {
	if j != nil && !slices.Contains(j.names, name) {
		j.names = append(j.names, name)
	}
}
