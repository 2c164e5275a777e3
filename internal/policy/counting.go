package policy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/csharp/clr/clock"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

// Counters count for policies, for all requests of a gateway: [limit.Counters]
// in one process, or a service that gateways share. An error denies the request
// that asks; of one that is counted afterwards it is a note in its record.
type Counters interface {
	// Rate asks for room in a sliding window, and counts what passes.
	Rate(ctx context.Context, ask limit.Rate) (limit.RateState, error)
	// Quota asks for room in a fixed window, and counts what passes.
	Quota(ctx context.Context, ask limit.Quota) (limit.QuotaState, error)
	// Slot takes one of the most things that may run at once under a key. It is
	// given back by release, once; release is nil where there was none.
	Slot(ctx context.Context, key string, most int) (release func(), err error)
}

const (
	// mostCalls bounds what documents may write.
	mostCalls = 1<<31 - 1
	// longestRate is API Management's longest window of a rate, in seconds.
	longestRate = 300
	// shortestQuota is API Management's shortest period of quota-by-key.
	shortestQuota = 300
	// kilobyte is the unit of bandwidth.
	kilobyte = 1024
)

// counters are those of the surroundings.
func (x *Exchange) counters() (Counters, error) {
	if x.Services == nil || x.Services.Counters == nil {
		return nil, errors.New("nobody counts")
	}
	return x.Services.Counters, nil
}

func (x *Exchange) rate(ctx context.Context, ask limit.Rate) (limit.RateState, *Error) {
	counters, err := x.counters()
	if err != nil {
		return limit.RateState{}, notCounted(err)
	}
	state, err := counters.Rate(ctx, ask)
	if err != nil {
		return limit.RateState{}, notCounted(err)
	}
	return state, nil
}

func (x *Exchange) quota(ctx context.Context, ask limit.Quota) (limit.QuotaState, *Error) {
	counters, err := x.counters()
	if err != nil {
		return limit.QuotaState{}, notCounted(err)
	}
	state, err := counters.Quota(ctx, ask)
	if err != nil {
		return limit.QuotaState{}, notCounted(err)
	}
	return state, nil
}

// notCounted denies a request that cannot be counted.
func notCounted(err error) *Error {
	e := denied(http.StatusServiceUnavailable, "CounterUnavailable", "The request could not be counted.", "The gateway cannot count requests now. Try again.")
	e.Header, e.Cause = http.Header{"Retry-After": {"1"}}, err
	return e
}

// wholeSeconds rounds up, to one at least.
func wholeSeconds(d time.Duration) int { return int(max(1, (d+time.Second-1)/time.Second)) }

// callRate is what rate-limit and rate-limit-by-key tell of their counter.
type callRate struct {
	retryHeader, remainingHeader, totalHeader string
	retryVariable, remainingVariable          string
}

func callRateAttributes() []attribute {
	return []attribute{
		{name: "retry-after-header-name", expected: "a header name", otherwise: "Retry-After"},
		{name: "retry-after-variable-name", expected: "a variable's name"},
		{name: "remaining-calls-header-name", expected: "a header name"},
		{name: "remaining-calls-variable-name", expected: "a variable's name"},
		{name: "total-calls-header-name", expected: "a header name"},
	}
}

func (c *compiler) callRate(n *Node) callRate {
	r := callRate{
		retryHeader: c.answerHeader(n, "retry-after-header-name"), remainingHeader: c.answerHeader(n, "remaining-calls-header-name"),
		totalHeader: c.answerHeader(n, "total-calls-header-name"), retryVariable: c.variableAttribute(n, "retry-after-variable-name"),
		remainingVariable: c.variableAttribute(n, "remaining-calls-variable-name"),
	}
	if r.retryHeader == "" {
		r.retryHeader = "Retry-After"
	}
	return r
}

// answerHeader takes the name of a header of the answer; empty: there is none.
func (c *compiler) answerHeader(n *Node, name string) string {
	header, ok := c.headerName(n, name)
	if ok && slices.Contains(framing(), header) {
		v, _ := c.attribute(n, name)
		c.malformed(v, name, "another header: this one belongs to the connection", "")
		return ""
	}
	return header
}

// variableAttribute takes the name of a variable; empty: there is none.
func (c *compiler) variableAttribute(n *Node, name string) string {
	v, ok := c.attribute(n, name)
	if !ok {
		return ""
	}
	text := strings.TrimSpace(v.text)
	if text == "" {
		c.malformed(v, name, "a variable's name", "")
	}
	return text
}

// tell tells how many calls remain.
func (r *callRate) tell(x *Exchange, calls, remaining int) {
	if r.remainingVariable != "" {
		x.Variables.Set(r.remainingVariable, clr.Int(int32(remaining)))
	}
	if r.remainingHeader != "" {
		x.promise(r.remainingHeader, strconv.Itoa(remaining))
	}
	if r.totalHeader != "" {
		x.promise(r.totalHeader, strconv.Itoa(calls))
	}
	if x.Observer != nil {
		x.say("remaining calls", strconv.Itoa(remaining))
	}
}

// refuse is the answer to a call too many.
func (r *callRate) refuse(x *Exchange, after time.Duration) *Error {
	n := wholeSeconds(after)
	if r.retryVariable != "" {
		x.Variables.Set(r.retryVariable, clr.Int(int32(n)))
	}
	e := denied(http.StatusTooManyRequests, "RateLimitExceeded", "Rate limit is exceeded",
		"Rate limit is exceeded. Try again in "+strconv.Itoa(n)+" seconds.")
	e.Source = "rate-limit"
	e.Header = http.Header{r.retryHeader: {strconv.Itoa(n)}}
	return e
}

// outOfQuota is the answer where a quota is used up.
func outOfQuota(state limit.QuotaState) *Error {
	message := "Out of call volume quota."
	if state.Bandwidth {
		message = "Out of bandwidth quota."
	}
	if state.ReplenishedIn == 0 {
		message += " Quota will not be replenished."
	} else {
		text, _ := clock.FormatSpan(int64(wholeSeconds(state.ReplenishedIn))*clock.TicksPerSecond, "")
		message += " Quota will be replenished in " + text + "."
	}
	e := denied(http.StatusForbidden, "QuotaExceeded", message, message)
	e.Source = "quota"
	if state.ReplenishedIn != 0 {
		e.Header = http.Header{"Retry-After": {strconv.Itoa(wholeSeconds(state.ReplenishedIn))}}
	}
	return e
}

// bound is a limit on calls, or on calls and bytes: of all requests that come
// to a policy, or of those of one API or operation.
type bound struct {
	// id goes before name; both are empty where the bound is on all.
	id, name string
	// calls and bytes are limit.NoBound where there is none.
	calls, bytes int64
	period       time.Duration
	inner        []bound
}

// boundChildren are the elements of rate-limit and quota.
func boundChildren(attributes ...attribute) []child {
	attributes = append([]attribute{
		{name: "name", expected: "the display name; it or the id"},
		{name: "id", expected: "the id, which goes before the name"},
	}, attributes...)
	return []child{{
		name: "api", many: true, expected: "a limit for calls to one API", attributes: attributes,
		children: []child{{name: "operation", many: true, expected: "a limit for calls to one operation", attributes: attributes}},
	}}
}

// bounds compiles the elements of rate-limit and quota; own reads their
// attributes, given the bound around.
func (c *compiler) bounds(n *Node, around bound, own func(n *Node, around *bound) bound) []bound {
	var out []bound
	for _, k := range n.Elements() {
		if k.Name != "api" {
			continue
		}
		b := own(k, &around)
		b.id, b.name = c.boundOf(k)
		apis := c.boundAPIs(k, &b)
		for _, inner := range k.Elements() {
			if inner.Name == "operation" {
				o := own(inner, &b)
				o.id, o.name = c.boundOf(inner)
				c.boundOperation(inner, &o, apis)
				b.inner = append(b.inner, o)
			}
		}
		out = append(out, b)
	}
	return out
}

func (c *compiler) boundOf(n *Node) (id, name string) {
	i, byID := c.attribute(n, "id")
	v, byName := c.attribute(n, "name")
	if n.Attribute("id") == nil && n.Attribute("name") == nil {
		c.add(n.Pos, "missing-attribute", "an id or a name", `add id="…"`, "%q needs the attribute \"id\" or \"name\"", n.Name)
	}
	if byID && byName {
		c.warn(n.Attribute("name").Pos, "attribute-without-effect", "remove it", "the id of %q goes before its name", n.Name)
	}
	if byID {
		id = strings.TrimSpace(i.text)
	}
	if byName {
		name = strings.TrimSpace(v.text)
	}
	return id, name
}

// boundAPIs are the APIs that a bound is about. A limit on something that is not
// there would let everything pass.
func (c *compiler) boundAPIs(n *Node, b *bound) (apis []*site.API) {
	if c.env.any || b.id == "" && b.name == "" {
		return nil
	}
	var known []string
	for _, a := range c.env.APIs {
		if b.is(a.ID, a.Name) {
			apis = append(apis, a)
		}
		if !slices.Contains(known, b.word(a.ID, a.Name)) {
			known = append(known, b.word(a.ID, a.Name))
		}
	}
	if len(apis) == 0 {
		c.add(n.Pos, "unknown-api", "an API of the site", nearestName(b.word(b.id, b.name), known), "there is no API %q", b.word(b.id, b.name))
	}
	return apis
}

func (c *compiler) boundOperation(n *Node, b *bound, apis []*site.API) {
	if len(apis) == 0 || b.id == "" && b.name == "" {
		return
	}
	var known []string
	for _, a := range apis {
		for _, o := range a.Operations {
			if b.is(o.ID, o.Name) {
				return
			}
			known = append(known, b.word(o.ID, o.Name))
		}
	}
	c.add(n.Pos, "unknown-operation", "an operation of the API", nearestName(b.word(b.id, b.name), known),
		"the API %q has no operation %q", apis[0].ID, b.word(b.id, b.name))
}

// word is id or name, whichever the bound goes by.
func (b *bound) word(id, name string) string {
	if b.id != "" {
		return id
	}
	return name
}

func (b *bound) is(id, name string) bool {
	if b.id != "" {
		return strings.EqualFold(b.id, id)
	}
	return b.name == name
}

// applied is a bound with the text that names its counter.
type applied struct {
	*bound
	key string
}

// applying are the bounds that a request counts under, the narrowest first: a
// call that an operation refuses takes nothing from its product. key names the
// counter of all.
func (b *bound) applying(x *Exchange, key string) []applied {
	list := []applied{{b, key}}
	if x.API == nil {
		return list
	}
	for i := range b.inner {
		a := &b.inner[i]
		if !a.is(x.API.ID, x.API.Name) {
			continue
		}
		key := key + "\x00" + strings.ToLower(x.API.ID)
		list = append(list, applied{a, key})
		if x.Operation == nil {
			continue
		}
		for k := range a.inner {
			if o := &a.inner[k]; o.is(x.Operation.ID, x.Operation.Name) {
				list = append(list, applied{o, key + "\x00" + x.Operation.ID})
			}
		}
	}
	slices.Reverse(list)
	return list
}

// counterOf names the counter of the caller's subscription at a document. A
// reload that changes the limit goes on with the counts.
func (x *Exchange) counterOf(at scope) string {
	key := x.Subscription.ID + "\x00" + at.String()
	if at == product && x.Product != nil {
		key += "\x00" + x.Product.ID
	}
	if at >= api && x.API != nil {
		key += "\x00" + x.API.ID
	}
	if at == operation && x.Operation != nil {
		key += "\x00" + x.Operation.ID
	}
	return key
}

// once reports a policy that stands in a document for the second time.
func (c *compiler) once(n *Node) {
	if first, ok := c.work.once[n.Name]; ok {
		c.strict(n.Pos, "second-policy", "it once in a document", "remove one", "%q stands twice in the document; the first is at %s", n.Name, first)
		return
	}
	if c.work.once == nil {
		c.work.once = map[string]site.Pos{}
	}
	c.work.once[n.Name] = n.Pos
}

// increment is whether a request counts, and for how many calls.
type increment struct {
	condition boolValue
	count     intValue
}

func incrementAttributes() []attribute {
	return []attribute{
		{name: "increment-condition", expected: "true or false: whether the request counts", otherwise: "true", expression: true},
		{name: "increment-count", expected: "for how many calls it counts", otherwise: "1", expression: true},
	}
}

func (c *compiler) increment(n *Node) increment {
	return increment{
		condition: c.boolAttribute(n, "increment-condition", true),
		count:     c.intAttribute(n, "increment-count", 0, mostCalls, 1),
	}
}

// late: what is computed is computed, and counted, when the answer is there.
func (i *increment) late() bool { return i.condition.compute != nil || i.count.compute != nil }

// written is for how many calls a request counts where nothing is computed.
func (i *increment) written() int {
	if !i.condition.literal {
		return 0
	}
	return i.count.literal
}

// computed is the same where something is. What cannot be computed counts once.
func (i *increment) computed(ctx context.Context, x *Exchange) (int, *Error) {
	is, e := i.condition.is(ctx, x)
	if e != nil {
		return 1, e
	}
	if !is {
		return 0, nil
	}
	n, e := i.count.number(ctx, x)
	if e != nil {
		return 1, e
	}
	return n, nil
}

// countLate calls count when the answer is there, however the request ends.
func (i *increment) countLate(x *Exchange, count func(ctx context.Context, n int) *Error) {
	at := x.at
	x.whenAnswered(func(ctx context.Context) *Error {
		x.at = at
		ctx = context.WithoutCancel(ctx) // a caller that goes away counts
		n, e := i.computed(ctx, x)
		if failure := count(ctx, n); e == nil {
			e = failure
		}
		if e != nil {
			e.place(at)
		}
		return e
	})
}
