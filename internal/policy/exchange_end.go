package policy

import (
	"context"

	"github.com/cloister-ai/cloister/internal/openai"
)

// Ended is how an exchange ended, once its answer has left.
type Ended struct {
	// Status is the one that the caller got.
	Status int
	// Left: the caller went away before it had the whole answer of a backend, which
	// had the request.
	Left bool
	// Usage is what the model counted, or an estimate of it; known: there is one.
	Usage openai.Usage
	Known bool
	// BytesIn and BytesOut are those of the bodies, as the caller sent and got
	// them.
	BytesIn, BytesOut int64
}

// End tells policies that wait for it how the exchange ended. Whoever runs the
// pipeline calls it once, after the answer has left or was given up.
func (x *Exchange) End(e Ended) {
	for _, f := range x.atEnd {
		f(e)
	}
	x.atEnd = nil
}

// lookedAt has those look at the answer who asked for it.
func (x *Exchange) lookedAt(ctx context.Context) *Error {
	for _, f := range x.beforeOutbound {
		if e := f(ctx); e != nil {
			return e
		}
	}
	x.beforeOutbound = nil
	return nil
}

// whenEnded calls f when the answer has left.
func (x *Exchange) whenEnded(f func(Ended)) { x.atEnd = append(x.atEnd, f) }

// whenAnswered calls f when the sections have run and the answer is made, before
// it leaves; an error there is a note, and changes nothing.
func (x *Exchange) whenAnswered(f func(context.Context) *Error) {
	x.afterSections = append(x.afterSections, f)
}

// answeredNow calls those who wait for the answer.
func (x *Exchange) answeredNow(ctx context.Context) {
	for _, f := range x.afterSections {
		if e := f(ctx); e != nil {
			x.Note("after the sections: " + e.Error())
		}
	}
	x.afterSections = nil
}
