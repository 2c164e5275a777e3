package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
)

// back answers an error: the default answer, shaped by on-error. limited: the
// answer stays an error whatever on-error makes of it.
func (p *Pipeline) back(ctx context.Context, x *Exchange, e *Error, limited bool) {
	x.LastError = e
	if !e.keepResponse || x.Response == nil {
		x.answer(DefaultResponse(x, e))
	}
	if failure := p.onError(ctx, x, limited); failure != nil {
		x.Note("on-error failed: " + failure.Source + ": " + failure.Reason + ": " + failure.Message)
		e.Cause = errors.Join(e.Cause, failure)
		x.answer(DefaultResponse(x, e))
	}
	if limited && (x.Response.StatusCode < 400 || x.Response.StatusCode > 599) {
		status := errorStatus(e.Status)
		x.Note("on-error answered a refusal with " + strconv.Itoa(x.Response.StatusCode) +
			"; the answer is " + strconv.Itoa(status))
		x.Response.StatusCode, x.Response.Reason = status, ""
	}
}

// onError runs the section.
func (p *Pipeline) onError(ctx context.Context, x *Exchange, limited bool) (e *Error) {
	defer recoverStep(x, &e)
	x.limited = limited
	defer func() { x.limited = false }()
	_, e = run(ctx, x, p.steps[onError])
	return e
}

// recoverStep is deferred: it turns a panic of a statement into an error. The
// caller learns nothing; the stack is in the cause. Panics that net/http knows
// go on.
func recoverStep(x *Exchange, e **Error) {
	r := recover()
	if r == nil {
		return
	}
	if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(r)
	}
	failure := &Error{
		Source: "gateway", Reason: "Panic", Message: "The policy failed unexpectedly.",
		Status: http.StatusInternalServerError, Cause: fmt.Errorf("panic: %v\n%s", r, debug.Stack()),
	}
	if x.at != nil {
		failure.Source = x.at.policy
		failure.place(x.at)
		x.Note("panic in " + x.at.String())
	}
	*e = failure
}

// place adds where e happened, where it does not say so itself.
func (e *Error) place(at *place) {
	if e.Source == "" {
		e.Source = at.policy
	}
	if e.Section == "" {
		e.Scope, e.Section, e.Path, e.PolicyID = at.scope.String(), at.section.String(), at.path, at.id
	}
}

// denied is a policy's refusal, with the message that the caller gets.
func denied(status int, reason, message, public string) *Error {
	return &Error{Reason: reason, Message: message, Status: status, PublicMessage: public}
}
