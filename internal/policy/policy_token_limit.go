package policy

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
	"github.com/cloister-ai/cloister/internal/limit"
	"github.com/cloister-ai/cloister/internal/site"
)

const (
	llmTokenLimitName   = "llm-token-limit"
	azureTokenLimitName = "azure-openai-token-limit"
	// mostTokens is the largest limit that can be written.
	mostTokens = 1 << 50
)

func tokenLimitEntry(name string) entry {
	does := "tokens per minute and token quota per key"
	intro := "Limits the tokens of models that callers use, per key: those of a minute, those of a longer period, or both."
	if name == azureTokenLimitName {
		does = "as llm-token-limit"
		intro += " The same as [llm-token-limit](llm-token-limit.md), under its older name."
	}
	return entry{
		name: name, sections: inOnly, scopes: everyScope, does: does,
		tier: tierA, page: page{
			intro: intro,
			example: fmt.Sprintf(`
<%s counter-key="@(context.Subscription.Id)" tokens-per-minute="20000" token-quota="5000000" token-quota-period="Monthly" estimate-prompt-tokens="true" remaining-tokens-header-name="x-remaining-tokens" tokens-consumed-header-name="x-consumed-tokens" />`, name),
			behaviour:   tokenLimitBehaviour(),
			differences: tokenLimitDifferences(),
			errors: []errorLine{
				{"TokenLimitExceeded", "429: the tokens of the minute are used up"},
				{"TokenQuotaExceeded", "403: the quota is used up"},
				{"TokenCountUnavailable", "500: there is nothing that counts"},
				{"ExpressionValueEvaluationFailure", "an expression throws, or gives no value that can be used"},
			},
		},
		attributes: []attribute{
			{name: "counter-key", required: true, expected: "text", expression: true},
			{name: "tokens-per-minute", expected: "a whole number, at least 1", expression: true},
			{name: "token-quota", expected: "a whole number, at least 1", expression: true},
			{name: "token-quota-period", expected: listed(periodNames()), expression: true},
			{name: "estimate-prompt-tokens", expected: "true or false", otherwise: "false", expression: true},
			{name: "retry-after-header-name", expected: "a header name", otherwise: "Retry-After"},
			{name: "retry-after-variable-name", expected: "a variable name"},
			{name: "remaining-quota-tokens-header-name", expected: "a header name"},
			{name: "remaining-quota-tokens-variable-name", expected: "a variable name"},
			{name: "remaining-tokens-header-name", expected: "a header name"},
			{name: "remaining-tokens-variable-name", expected: "a variable name"},
			{name: "tokens-consumed-header-name", expected: "a header name"},
			{name: "tokens-consumed-variable-name", expected: "a variable name"},
		},
		compile: compileTokenLimit,
	}
}

func tokenLimitBehaviour() []string {
	return []string{
		"A key has one count, whatever document, scope or policy uses it. A request that two policies count under one key counts once.",
		"When a request is let in, what it may cost is reserved; when its answer has ended, the reservation is settled to what it did cost. A request is let in while its prompt fits under the limit beside all that is spent and reserved. From then on its answer is reserved too: `max_tokens`, `max_completion_tokens` or `max_output_tokens`, for each choice (`n`, `best_of`) of each prompt; where it names none, about what the longest of this key's last answers took, 256 before the first. So requests at the same time never pass together what one of them alone may, and a limit is passed by the estimate of one request at most, as long as requests bound their answers.",
		"With `estimate-prompt-tokens=\"true\"` the prompt is counted with the model's vocabulary (`o200k_base`; `cl100k_base` for GPT-4, GPT-3.5 and embedding models), with what OpenAI documents for messages; an image counts 1,200, one of low detail 85. Text beyond 1 MiB counts one token a byte, which is the most that it can take. With `false` a request is let in while anything is left under the limit, and a quarter of the prompt's bytes is reserved.",
		"The minute slides: tokens count from the end of their request for 60 seconds. Whoever is refused for reservations alone is told to come back in 5 seconds. A quota's period is fixed: it begins where the clock, in UTC, passes the hour, day, week (Monday), month or year.",
		"What is settled is the usage that the model reports. For streams of chat completions the gateway asks for it (`stream_options.include_usage`) and takes the event of usage out again where the caller did not ask; all other bytes stay as they are. A stream without usage counts by its text. An answer of 200 that reports nothing counts the estimate of its prompt; errors and answers that no backend gave count nothing. Where the caller goes away before the end, what has come counts by its length; before anything has come, what was reserved counts, because the model may have worked as long.",
		"A count that is used up refuses before the prompt is looked at, and a prompt is counted no further than the limit goes. The quota is looked at before the minute.",
		"`tokens-consumed-*`: in `backend` the estimate of the prompt (0 without one), from `outbound` on what the model reports. For that an answer that is no stream is read into memory, up to 32 MiB; without these attributes no answer is. For a stream the estimate stays, since the end is not known when the head leaves.",
		"`remaining-tokens-*` and `remaining-quota-tokens-*`: what is left beside this request's prompt and all that is reserved; with `tokens-consumed-*`, after the answer, what is left then. The headers stand on refusals as well. `retry-after-variable-name` is set, in seconds, when the policy refuses.",
		"Variables are whole numbers (`int`, above 2,147,483,647 `long`).",
	}
}

func tokenLimitDifferences() []string {
	return []string{
		"API Management lets requests at the same time pass the limit together, because it counts when answers are there; here they are reserved when they come. `policies: {documented: [llm-token-limit]}` in `cloister.yaml` brings the documented behaviour: only prompts that are estimated are reserved, and everything else counts when it is there.",
		"Sessions of the realtime API, and paths that are none of the [model API](../model-api.md), are limited by the estimates of their requests alone. There a body in gzip is looked at unpacked, one in another coding is refused with 400, and forms, files, sound, pictures and videos count nothing.",
		"API Management estimates the tokens of streams; here they are the model's, where it reports them.",
		"Counts are those of one gateway process and begin anew when it starts. 131,072 keys are counted at once; keys beyond share one count, which refuses sooner.",
		"API Management's reference wants `estimate-prompt-tokens`, and its own example leaves it out; here it may be left out, which is `false`.",
		"Expressions in `tokens-per-minute`, `token-quota`, `token-quota-period` and `estimate-prompt-tokens` are evaluated, which the reference does not offer.",
		"How the time in \"Try again in …\" of a quota is worded above one hour is not published: here days, hours, minutes and seconds, without those that are 0.",
	}
}

func periodNames() (names []string) {
	for _, p := range limit.Periods() {
		names = append(names, string(p))
	}
	return names
}

type tokenLimit struct {
	key      textValue
	minute   intValue
	quota    intValue
	period   choiceValue
	estimate boolValue
	// documented: only prompts that are estimated are reserved.
	documented bool
	// Names of headers and variables; empty: none.
	retryAfterHeader, retryAfterVariable string
	leftHeader, leftVariable             string
	quotaHeader, quotaVariable           string
	consumedHeader, consumedVariable     string
}

func compileTokenLimit(c *compiler, n *Node) statement {
	s := &tokenLimit{
		minute:   c.intAttribute(n, "tokens-per-minute", 1, mostTokens, 0),
		quota:    c.intAttribute(n, "token-quota", 1, mostTokens, 0),
		period:   c.choiceAttribute(n, "token-quota-period", "", periodNames()...),
		estimate: c.boolAttribute(n, "estimate-prompt-tokens", false),
		// One name for both.
		documented: slices.Contains(c.env.Documented, site.DocumentedTokenLimit),
	}
	s.key, _ = c.textAttribute(n, "counter-key")
	hasPeriod := n.Attribute("token-quota-period") != nil
	switch {
	case s.quota.given && !hasPeriod:
		c.add(n.Pos, "missing-attribute", listed(periodNames()), `add token-quota-period="…"`, "%q needs the attribute %q beside %q", n.Name, "token-quota-period", "token-quota")
	case hasPeriod && !s.quota.given:
		c.add(n.Pos, "missing-attribute", "a whole number", `add token-quota="…"`, "%q needs the attribute %q beside %q", n.Name, "token-quota", "token-quota-period")
	case !s.quota.given && !s.minute.given:
		c.add(n.Pos, "missing-attribute", "tokens-per-minute, or token-quota with token-quota-period", `add tokens-per-minute="…"`, "%q sets no limit", n.Name)
	}
	s.retryAfterHeader = "Retry-After"
	for name, into := range map[string]*string{
		"retry-after-header-name": &s.retryAfterHeader, "remaining-quota-tokens-header-name": &s.quotaHeader,
		"remaining-tokens-header-name": &s.leftHeader, "tokens-consumed-header-name": &s.consumedHeader,
	} {
		if header, ok := c.headerName(n, name); ok {
			*into = header
			c.refuseFraming(n, name, header)
		}
	}
	for name, into := range map[string]*string{
		"retry-after-variable-name": &s.retryAfterVariable, "remaining-quota-tokens-variable-name": &s.quotaVariable,
		"remaining-tokens-variable-name": &s.leftVariable, "tokens-consumed-variable-name": &s.consumedVariable,
	} {
		if v, ok := c.attribute(n, name); ok {
			*into = strings.TrimSpace(v.text)
		}
	}
	return s
}

// refuseFraming refuses a header that policies cannot set on an answer.
func (c *compiler) refuseFraming(n *Node, attribute, header string) {
	if refusedHeader(header, true) {
		c.strict(n.Attribute(attribute).ValuePos, "framing-header", "another header", "", "the header %q belongs to the connection; policies cannot touch it", header)
	}
}

func (s *tokenLimit) do(ctx context.Context, x *Exchange) (flow, *Error) {
	if x.Services == nil || x.Services.Tokens == nil {
		return stop, &Error{Reason: "TokenCountUnavailable", Message: "There is nothing that counts tokens.", Status: http.StatusInternalServerError}
	}
	r, estimate, e := s.request(ctx, x)
	if e != nil {
		return stop, e
	}
	m := &metered{s: s, x: x, limits: r.TokenLimits}
	if s.wantsHeaders() {
		x.whenAnswered(func(context.Context) *Error { m.headers(); return nil })
	}
	held := x.tokens.holdOf(r.Key)
	if held == nil && estimate { // before the work of counting
		look := r
		look.Look = true
		_, v, err := x.Services.Tokens.Reserve(ctx, look, nil)
		if e := m.judged(v, err); e != nil {
			return stop, e
		}
	}
	most := 0
	if estimate {
		most = mostPrompt(r.TokenLimits)
	}
	ask, e := x.modelAsk(most)
	if e != nil {
		return stop, e
	}
	prompt := ask.rough
	if estimate {
		prompt = ask.prompt
		r.Prompt, m.consumed = prompt, prompt
	} else {
		r.Unasked = prompt
	}
	r.Unasked += ask.completion
	r.Guess = ask.guess
	if s.documented {
		r.Unasked, r.Guess = 0, false
	}
	hold, v, err := x.Services.Tokens.Reserve(ctx, r, held)
	if e := m.judged(v, err); e != nil {
		return stop, e
	}
	if held == nil {
		x.tokens.hold(x, r.Key, hold, prompt)
	}
	m.hold, m.key = hold, r.Key
	x.NeedsUsage = true
	m.variables()
	if s.consumedHeader != "" || s.consumedVariable != "" {
		x.beforeOutbound = append(x.beforeOutbound, m.lookAt(x.at))
	}
	if x.Observer != nil {
		x.say("tokens", fmt.Sprintf("key %s, prompt %d, reserved beside it %d", s.key.hidden(r.Key), r.Prompt, r.Unasked))
	}
	return next, nil
}

// mostPrompt is the largest prompt that has room under limits.
func mostPrompt(l limit.TokenLimits) int {
	if l.Quota > 0 && (l.PerMinute == 0 || l.Quota < l.PerMinute) {
		return l.Quota
	}
	return max(1, l.PerMinute)
}

// request evaluates the attributes.
func (s *tokenLimit) request(ctx context.Context, x *Exchange) (r limit.TokenRequest, estimate bool, e *Error) {
	if r.Key, e = s.key.text(ctx, x); e != nil {
		return r, false, e
	}
	if r.PerMinute, e = s.minute.number(ctx, x); e != nil {
		return r, false, e
	}
	if r.Quota, e = s.quota.number(ctx, x); e != nil {
		return r, false, e
	}
	if r.Quota > 0 {
		period, e := s.period.word(ctx, x)
		if e != nil {
			return r, false, e
		}
		r.Period = limit.Period(period)
	}
	estimate, e = s.estimate.is(ctx, x)
	return r, estimate, e
}

func (s *tokenLimit) wantsHeaders() bool {
	return s.leftHeader != "" || s.quotaHeader != "" || s.consumedHeader != ""
}

// metered is the policy for one exchange.
type metered struct {
	s      *tokenLimit
	x      *Exchange
	limits limit.TokenLimits
	key    string
	hold   limit.TokenHold
	// consumed is what the document is told, looked: of an answer.
	consumed int
	looked   bool
	// left and quota are what is left.
	left, quota int
	// on is the answer that has the headers.
	on *Response
}

// judged keeps what a verdict says, and makes the refusal of one that refuses.
func (m *metered) judged(v limit.TokenVerdict, err error) *Error {
	if err != nil {
		return &Error{Reason: "TokenCountUnavailable", Message: "The tokens could not be counted.", Status: http.StatusInternalServerError, Cause: err}
	}
	m.left, m.quota = v.PerMinute, v.Quota
	if v.Allowed {
		return nil
	}
	m.variables()
	seconds := int(v.RetryAfter / time.Second)
	if m.s.retryAfterVariable != "" {
		m.x.Variables.Set(m.s.retryAfterVariable, wholeNumberValue(seconds))
	}
	e := denied(http.StatusTooManyRequests, "TokenLimitExceeded", "Token limit is exceeded.",
		fmt.Sprintf("Token limit is exceeded. Try again in %d seconds.", seconds))
	if v.OverQuota {
		e = denied(http.StatusForbidden, "TokenQuotaExceeded", "Token quota is exceeded.",
			fmt.Sprintf("Token quota is exceeded. Try again in %s.", inWords(v.RetryAfter)))
	}
	e.Header = http.Header{m.s.retryAfterHeader: {strconv.Itoa(seconds)}}
	return e
}

// variables sets those that the document names.
func (m *metered) variables() {
	set := func(name string, given bool, n int) {
		if name != "" && given {
			m.x.Variables.Set(name, wholeNumberValue(n))
		}
	}
	set(m.s.leftVariable, m.limits.PerMinute > 0, m.left)
	set(m.s.quotaVariable, m.limits.Quota > 0, m.quota)
	set(m.s.consumedVariable, true, m.consumed)
}

// headers puts the headers on the answer, once.
func (m *metered) headers() {
	if m.x.Response == nil || m.x.Response == m.on {
		return
	}
	h := m.x.answered()
	m.on = m.x.Response
	set := func(name string, given bool, n int) {
		if name != "" && given {
			h[name] = []string{strconv.Itoa(n)}
		}
	}
	set(m.s.leftHeader, m.limits.PerMinute > 0, m.left)
	set(m.s.quotaHeader, m.limits.Quota > 0, m.quota)
	set(m.s.consumedHeader, m.looked, m.consumed)
}

// lookAt takes the usage from an answer that is no stream, before outbound.
func (m *metered) lookAt(at *place) func(context.Context) *Error {
	return func(context.Context) *Error {
		x := m.x
		usage, known, e := x.reportedUsage()
		if e != nil {
			e.place(at)
			return e
		}
		m.looked = true
		if failed := x.Response.StatusCode >= http.StatusBadRequest; known || failed {
			m.consumed = usage.Total
			x.tokens.settle(m.key, usage)
			m.left, m.quota = m.hold.Left(m.limits)
			m.variables()
		}
		m.headers()
		return nil
	}
}

// wholeNumberValue is an int, or a long where it is too large for one.
func wholeNumberValue(n int) clr.Value {
	if n == int(int32(n)) {
		return clr.Int(int32(n))
	}
	return clr.Long(int64(n))
}

// inWords is "21 minutes and 33 seconds".
func inWords(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		n := int(d / unit.size)
		d -= time.Duration(n) * unit.size
		switch {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
