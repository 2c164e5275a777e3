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
// in records: "SubscriptionKeyInvalid" → "subscription-key-invalid".
func kebab(reason string) string {
	var b strings.Builder
	for i := range len(reason) {
		c := reason[i]
		if 'A' <= c && c <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}
