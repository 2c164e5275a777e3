package policy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	forwardRequestName = "forward-request"
	// longestTimeout is the longest that may be asked for, in seconds.
	longestTimeout = 24 * 3600
)

func forwardRequestEntry() entry {
	return entry{
		name: forwardRequestName, sections: backOnly, scopes: everyScope, connects: true,
		does: "sends the request to the backend",
		tier: tierA, page: page{
			intro: "Sends the request to the backend and takes its answer.",
			example: `
<!-- backend -->
<forward-request timeout="@(context.Request.Headers.ContainsKey("X-Slow") ? 240 : 60)" buffer-response="false" />`,
			behaviour: []string{
				"Before every connection the gateway's gate checks caller, model and destination again, whatever policies did.",
				"The timeout ends with the head of the answer; streams may take longer.",
				"With `fail-on-error-status-code` an answer of 400 to 599 goes to on-error, which finds it as it is; without an on-error policy the caller gets it.",
				"Written attributes are checked when the site is loaded. `timeout` and `timeout-ms` may be expressions of whole numbers, " +
					"`follow-redirects` and `buffer-request-body` of true or false; the others are written, as in API Management.",
			},
			differences: []string{
				"Redirects go back to the caller. `follow-redirects=\"true\"` is refused, because where requests may go stands in the site; an " +
					"expression that says true is an error of that request, which is not sent.",
				"`buffer-response` makes no difference: the gateway never collects an answer that no policy reads.",
				"`http-version` makes no difference: it is agreed with the backend by TLS.",
				"The reference does not say whether `buffer-request-body` may be an expression.",
				"A timeout is from one millisecond to 24 hours; 0 is refused.",
			},
			errors: []errorLine{
				{"Timeout", "no head in time: 500"},
				{"BackendConnectionFailure", "no connection, or it broke: 500"},
				{"BackendErrorStatusCode", "`fail-on-error-status-code`: the backend's status"},
				{"RequestBodySent", "within `retry`: the body was a stream, and an attempt before has sent it: 500"},
				{"ExpressionValueEvaluationFailure", "an expression throws, the timeout's is no number in its bounds, or that of follow-redirects says true"},
			},
		},
		attributes: []attribute{
			{name: "http-version", expected: "1, 2or1 or 2", otherwise: "what the backend offers"},
			{name: "timeout", expected: "seconds until the head of the answer", expression: true, otherwise: "300"},
			{name: "timeout-ms", expected: "milliseconds, in the place of timeout", expression: true},
			{name: "continue-timeout", expected: "seconds until 100 Continue", refused: "the gateway does not wait for 100 Continue"},
			{name: "follow-redirects", expected: "false", expression: true, otherwise: "false"},
			{name: "buffer-request-body", expected: "true or false", expression: true, otherwise: "false"},
			{name: "buffer-response", expected: "true or false", otherwise: "true"},
			{name: "fail-on-error-status-code", expected: "true or false", otherwise: "false"},
		},
		compile: compileForwardRequest,
	}
}

type forwardRequest struct {
	opt ForwardOptions
	// timeout, in units, goes before that of the options.
	timeout intValue
	unit    time.Duration
	// keepBody is BufferRequestBody. redirects says whether to follow them, which
	// is never done.
	keepBody, redirects boolValue
}

func compileForwardRequest(c *compiler, n *Node) statement {
	s := &forwardRequest{opt: ForwardOptions{
		FailOnErrorStatusCode: c.boolean(n, "fail-on-error-status-code", false),
		BufferResponse:        c.boolean(n, "buffer-response", true),
	}}
	s.timeout, s.unit = c.timeout(n)
	s.keepBody = c.boolAttribute(n, "buffer-request-body", false)
	if s.redirects = c.boolAttribute(n, "follow-redirects", false); s.redirects.literal {
		c.add(n.Attribute("follow-redirects").ValuePos, "redirects", "false", "name the backend's final URL",
			"the gateway follows no redirect: where requests may go stands in the site")
	}
	if v := c.choice(n, "http-version", "", "1", "2or1", "2"); v != "" {
		c.warn(n.Attribute("http-version").Pos, "attribute-without-effect", "remove it", "the HTTP version is agreed with the backend by TLS")
	}
	return s
}

func (c *compiler) timeout(n *Node) (intValue, time.Duration) {
	seconds, millis := n.Attribute("timeout"), n.Attribute("timeout-ms")
	if seconds != nil && millis != nil {
		c.add(millis.Pos, "attributes-exclude", "timeout or timeout-ms", "remove one", "timeout and timeout-ms are both given")
	}
	if millis != nil {
		return c.intAttribute(n, "timeout-ms", 1, longestTimeout*1000, 0), time.Millisecond
	}
	return c.intAttribute(n, "timeout", 1, longestTimeout, 0), time.Second
}

func (s *forwardRequest) do(ctx context.Context, x *Exchange) (flow, *Error) {
	if x.Forward == nil {
		return stop, &Error{Reason: "BackendConnectionFailure", Message: "There is no way to a backend.", Status: http.StatusInternalServerError}
	}
	opt := s.opt
	timeout, e := s.timeout.number(ctx, x)
	if e != nil {
		return stop, e
	}
	opt.Timeout = time.Duration(timeout) * s.unit
	if opt.BufferRequestBody, e = s.keepBody.is(ctx, x); e != nil {
		return stop, e
	}
	if follow, e := s.redirects.is(ctx, x); e != nil {
		return stop, e
	} else if follow {
		return stop, s.redirects.compute.badValue("The value of %q is true, and the gateway follows no redirect.", "follow-redirects")
	}
	if body := x.Request.Body; body != nil && body.Stream != nil && body.Sent {
		return stop, &Error{
			Reason: "RequestBodySent", Status: http.StatusInternalServerError,
			Message: "The request body was a stream and has been sent already. Set buffer-request-body on forward-request to send it again.",
		}
	}
	err := x.Forward(ctx, x, opt)
	if body := x.Request.Body; body != nil && body.Stream != nil {
		body.Sent = true
	}
	if err != nil {
		return stop, forwardError(err)
	}
	if x.Response == nil {
		return stop, &Error{Reason: "BackendConnectionFailure", Message: "The backend gave no answer.", Status: http.StatusInternalServerError}
	}
	x.allowOrigin()
	x.keepPromises()
	if code := x.Response.StatusCode; s.opt.FailOnErrorStatusCode && code >= 400 && code <= 599 {
		return stop, &Error{
			Reason: "BackendErrorStatusCode", Message: "The backend answered with the status " + strconv.Itoa(code) + ".",
			Status: code, keepResponse: true,
		}
	}
	return next, nil
}

// forwardError is the gate's or the backend's error; all others are ours.
func forwardError(err error) *Error {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{
		Reason: "BackendConnectionFailure", Message: "The backend could not be reached.",
		Status: http.StatusInternalServerError, Cause: err,
	}
}
