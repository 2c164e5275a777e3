package policy

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

// minMasked is the shortest credential that is looked for, in bytes: other texts
// are full of shorter ones.
const minMasked = 8

// Mask puts three asterisks in the place of secrets in a text, as they stand and
// percent-encoded, and whatever the case of their letters: names of headers have
// none.
func Mask(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) < minMasked {
			continue
		}
		text = maskOne(text, s)
		if escaped := url.QueryEscape(s); escaped != s {
			text = maskOne(text, escaped)
		}
	}
	return text
}

func maskOne(text, s string) string {
	if len(text) < len(s) {
		return text
	}
	var b strings.Builder
	lower, s := asciiLower(text), asciiLower(s)
	at := 0
	for {
		i := strings.Index(lower[at:], s)
		if i < 0 {
			break
		}
		b.WriteString(text[at : at+i])
		b.WriteString(masked)
		at += i + len(s)
	}
	if at == 0 {
		return text
	}
	b.WriteString(text[at:])
	return b.String()
}

// asciiLower keeps every byte in its place, as strings.ToLower does not.
func asciiLower(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for k := i; k < len(b); k++ {
				if c := b[k]; 'A' <= c && c <= 'Z' {
					b[k] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// Masked takes out of a text for logs, metrics and observers what must not stand
// there: what the caller showed, what the gateway holds, and the secret named
// values of the site, which come by variables, errors and expressions whichever
// policy read them.
func (x *Exchange) Masked(text string) string {
	if text == "" {
		return text
	}
	text = x.withoutHidden(x.withoutSecrets(text))
	if x.Mask != nil {
		return x.Mask(text)
	}
	if x.Subscription != nil {
		text = Mask(text, x.Subscription.Key)
	}
	for name, values := range x.Request.Header {
		if !x.carriesCredential(name) {
			continue
		}
		for _, v := range values {
			if _, credential, ok := strings.Cut(v, " "); ok { // behind a scheme
				v = credential
			}
			text = Mask(text, v)
		}
	}
	return text
}

// withoutSecrets takes out the secret named values alone: what the caller showed it
// may be shown.
func (x *Exchange) withoutSecrets(text string) string {
	for _, v := range x.secrets {
		text = Mask(text, v.Reveal())
	}
	return text
}

// mostNotes and longestNote bound what a request leaves in its record.
const (
	mostNotes   = 100
	longestNote = 1 << 10
)

// Note is a remark for the record.
func (x *Exchange) Note(s string) {
	switch n := len(x.Notes); {
	case n > mostNotes:
		return
	case n == mostNotes:
		s = "there are more notes than a record holds"
	}
	s = x.Masked(s)
	if len(s) > longestNote {
		s = strings.ToValidUTF8(s[:longestNote], "") + "…"
	}
	x.Notes = append(x.Notes, s)
}

// secretsOf are the secret named values that are long enough to be looked for.
func (v *NamedValues) secretsOf() (out []secret.Value) {
	if v == nil {
		return nil
	}
	for _, name := range slices.Sorted(slices.Values(v.names)) {
		if n, ok := v.lookup(name); ok && n.secret && !n.unread && len(n.value.Reveal()) >= minMasked {
			out = append(out, n.value)
		}
	}
	return out
}
