package policy

import (
	"net/http"
	"slices"
	"sync"
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

// together runs each of n at the same time. done hears of each that has ended, by
// its number, one at a time; the exchange is not its to touch.
func (x *Exchange) together(n int, do func(i int) (flow, *Error), done func(i int, t *taken)) []taken {
	before, first := x.overlay(), x.turn == nil
	if first {
		x.turn = new(sync.Mutex)
		x.turn.Lock()
	}
	all := make([]taken, n)
	ended := make(chan int, n)
	for i := range all {
		all[i].overlay = before.fork()
		go func() {
			defer func() { ended <- i }()
			x.take(&all[i], func() (flow, *Error) { return do(i) })
		}()
	}
	x.apart(func() {
		for range all {
			i := <-ended
			done(i, &all[i])
		}
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

// take has its turn for as long as do runs.
func (x *Exchange) take(t *taken, do func() (flow, *Error)) {
	turn := x.turn
	turn.Lock()
	x.put(t.overlay)
	defer func() {
		// Panics that are not errors of policies are for whoever waits.
		t.panic = recover()
		t.overlay = x.overlay()
		turn.Unlock()
	}()
	defer recoverStep(x, &t.err)
	t.flow, t.err = do()
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
