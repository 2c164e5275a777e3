package gateway

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/policy"
)

// refuse turns a refusal into an answer: on-error may shape it, where an API
// was found; its status stays an error.
func (t *trip) refuse(e *refused) {
	t.failure = e
	t.dropResponse()
	if t.pipeline != nil {
		t.pipeline.Fail(t.ctx, &t.x, e)
		return
	}
	t.x.Response = policy.DefaultResponse(&t.x, e)
}

// kebab turns a reason as API Management spells it into the word that stands
// in records: "SubscriptionKeyInvalid" → "subscription-key-invalid",
// "FailedToParseCallerIP" → "failed-to-parse-caller-ip".
func kebab(reason string) string {
	upper := func(i int) bool { return 'A' <= reason[i] && reason[i] <= 'Z' }
	var b strings.Builder
	for i := range len(reason) {
		c := reason[i]
		if upper(i) {
			// A capital begins a word, unless it goes on with capitals.
			if i > 0 && (!upper(i-1) || i+1 < len(reason) && !upper(i+1)) {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		} else if c == ' ' {
			c = '-'
		}
		b.WriteByte(c)
	}
	return b.String()
}
