package policy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

// Masked takes out of a text for logs, metrics and observers what must not stand
// there: what the caller showed, what the gateway holds, what policies fetched or
// used as a credential, and the secret named values of the site, which come by
// variables, errors and expressions whichever policy read them.
func (x *Exchange) Masked(text string) string { return secret.Mask(text, x.maskers()...) }

// maskedStart is Masked, of at most n bytes and a sign for what was left out. No part
// of a secret stays at the cut.
func (x *Exchange) maskedStart(text string, n int) string {
	if len(text) <= n {
		return x.Masked(text)
	}
	return secret.MaskStart(strings.ToValidUTF8(text[:n], ""), x.maskers()...) + cutSign
}

// cutSign ends a text that goes on.
const cutSign = "…"

// maskers are those that know the exchange's secrets, as of now.
func (x *Exchange) maskers() []*secret.Masker {
	x.learn()
	out := []*secret.Masker{&x.own}
	if x.secrets != nil {
		out = append(out, x.secrets)
	}
	if x.Maskers != nil {
		return append(out, x.Maskers()...)
	}
	return out
}

// learn looks for credentials in what has come since it was asked the last time.
func (x *Exchange) learn() {
	if x.Maskers == nil { // nobody knows what the caller sent
		if x.Subscription != nil {
			x.own.Add(x.Subscription.Key)
		}
		x.hideHeaders(x.Request.Header)
	}
	if x.Response != x.learned && x.Response != nil {
		x.learned = x.Response
		x.hideHeaders(x.Response.Header)
	}
	for _, r := range x.answers {
		x.hideHeaders(r.resp.Header)
		x.hideMembers(r)
	}
	x.answers = nil
}

// hideHeaders keeps the credentials in a head out of what observers see.
func (x *Exchange) hideHeaders(h http.Header) {
	for name, lines := range h {
		if x.secretHeader(name) {
			x.hideHeader(name, lines)
		}
	}
}

func (x *Exchange) hideHeader(name string, lines []string) {
	for _, line := range lines {
		if set := name == "Set-Cookie"; set || name == "Cookie" {
			x.own.AddCookies(line, set)
		} else {
			x.own.AddHeader(line)
		}
	}
}

// heard is an answer of a service; vault: of one that keeps secrets.
type heard struct {
	resp  *CallResponse
	vault bool
}

// secretHeader reports whether the value of a header has no place in what observers
// see.
func (x *Exchange) secretHeader(name string) bool {
	return x.carriesCredential(name) || secret.CredentialName(name)
}

// Bounds of the answers of services in which tokens are looked for.
const (
	longestSearched = 64 << 10
	mostMembers     = 100
)

// hideMembers keeps the tokens and secrets in a service's answer out of what observers
// see: the members of JSON that are called so, and the secrets of a vault.
func (x *Exchange) hideMembers(r heard) {
	body := bytes.TrimSpace(r.resp.Body)
	if len(body) == 0 || len(body) > longestSearched || body[0] != '{' && body[0] != '[' {
		return
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return
	}
	left := mostMembers
	var look func(name string, v any)
	look = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				look(k, e)
			}
		case []any:
			for _, e := range v {
				look(name, e)
			}
		case string:
			if left > 0 && (secret.CredentialName(name) || r.vault && name == "value") {
				left--
				x.own.Add(v)
			}
		}
	}
	look("", v)
}

// withoutSecrets takes out the secret named values alone: what the caller showed it
// may be shown.
func (x *Exchange) withoutSecrets(text string) string {
	if x.secrets == nil {
		return text
	}
	return secret.Mask(text, x.secrets)
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
	x.Notes = append(x.Notes, x.maskedStart(s, longestNote))
}

// secretsOf knows the secret named values; nil: there are none.
func (v *NamedValues) secretsOf() *secret.Masker {
	if v == nil {
		return nil
	}
	v.masking.Do(func() {
		v.masker = &secret.Masker{}
		for _, name := range v.names {
			if n, ok := v.lookup(name); ok && n.secret && !n.unread {
				v.masker.Add(n.value.Reveal())
			}
		}
		v.masker.Build()
	})
	return v.masker
}
