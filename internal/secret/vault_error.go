package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// ErrUnavailable is in the chain of errors that may be gone when asked again:
// no connection, no answer in time, an answer of 429 or 5xx.
var ErrUnavailable = errors.New("the vault is not available now")

// vaultFault is why a vault did not do what it was asked. The SDK's own errors
// carry whole answers in their text, and an answer may hold a secret; nothing
// of theirs but codes gets in here.
type vaultFault struct {
	reason, mend string
	// status is that of the answer; 0: there was none.
	status int
	err    error
}

func (f *vaultFault) Error() string { return f.reason }
func (f *vaultFault) Unwrap() error { return f.err }

// roles are what an identity needs at a vault, by the kind of object.
func roles(kind string) string {
	if kind == KindKeys {
		return "Key Vault Crypto Service Encryption User"
	}
	return "Key Vault Secrets User"
}

// asFault says what err means for o.
func asFault(o VaultObject, err error) *vaultFault {
	var (
		response *azcore.ResponseError
		token    *tokenError
		answer   *answerError
		wire     *wireError
		refused  interface{ Refused() bool }
	)
	switch {
	case errors.As(err, &response):
		return responseFault(o, response)
	case errors.As(err, &token):
		return &vaultFault{reason: token.Error(), err: token, mend: "look at keyVault.credential"}
	case errors.As(err, &answer):
		return &vaultFault{reason: answer.reason, err: answer}
	case errors.As(err, &refused):
		return &vaultFault{reason: "the gateway may not connect to it: " + err.Error(), err: err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &vaultFault{reason: "there was no answer in time", err: errors.Join(ErrUnavailable, err)}
	case errors.As(err, &wire):
		return &vaultFault{reason: "it cannot be reached: " + wire.Error(), err: errors.Join(ErrUnavailable, wire)}
	}
	// What is left is an answer that the SDK could not read, and its text may
	// hold a part of that.
	return &vaultFault{reason: oddAnswer}
}

// oddAnswer is the reason where an answer is of the wrong form.
const oddAnswer = "its answer is not what a vault answers"

// code is what is taken over of an answer.
var code = regexp.MustCompile(`^[A-Za-z0-9]{1,48}$`)

// codes are error.code and error.innererror.code of an answer.
func codes(e *azcore.ResponseError) (outer, inner string) {
	var doc struct {
		Error struct {
			Code  string `json:"code"`
			Inner struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	if e.RawResponse == nil {
		return "", ""
	}
	if b, err := runtime.Payload(e.RawResponse); err == nil {
		_ = json.Unmarshal(b, &doc) // what is no error document has no codes
	}
	return code.FindString(doc.Error.Code), code.FindString(doc.Error.Inner.Code)
}

func responseFault(o VaultObject, e *azcore.ResponseError) *vaultFault {
	outer, inner := codes(e)
	f := &vaultFault{status: e.StatusCode}
	noun := map[string]string{KindSecrets: "secret", KindKeys: "key"}[o.Kind]
	switch status := e.StatusCode; {
	case status == http.StatusUnauthorized:
		f.reason = "it does not accept the gateway's token"
		f.mend = "give keyVault.credential an identity of the vault's own tenant"
	case status == http.StatusForbidden:
		forbidden(f, o, noun, inner)
	case status == http.StatusNotFound:
		f.reason = fmt.Sprintf("there is no such %s; one that was deleted is not found until it is recovered", noun)
		f.mend = fmt.Sprintf("az keyvault %s list --vault-name NAME, and recover or create it", noun)
	case status == http.StatusTooManyRequests:
		f.reason, f.err = "it is throttling", ErrUnavailable
		if wait := e.RawResponse.Header.Get("Retry-After"); code.MatchString(wait) {
			f.reason += ", and asks to wait " + wait + " s"
		}
	case status >= 500:
		f.reason, f.err = fmt.Sprintf("it answers with status %d", status), ErrUnavailable
	case status >= 300 && status < 400:
		f.reason = "it answers with a redirect, which is not followed"
	default:
		f.reason = fmt.Sprintf("it answers with status %d", status)
	}
	if inner == "" {
		inner = outer
	}
	if inner != "" {
		f.reason += " (" + inner + ")"
	}
	return f
}

// forbidden tells the reasons of a 403 apart.
func forbidden(f *vaultFault, o VaultObject, noun, inner string) {
	switch inner {
	case "SecretDisabled", "KeyDisabled":
		f.reason = "the " + noun + " is disabled"
		f.mend = fmt.Sprintf("az keyvault %s set-attributes --id %s --enabled true", noun, o)
	case "ForbiddenByFirewall", "ForbiddenByConnection":
		f.reason = "the vault's network rules refuse this machine"
		f.mend = "reach it by its private endpoint, or add this machine to the vault's network rules"
	case "ForbiddenByPolicy":
		f.reason = "the vault's access policies do not let the gateway's identity use it"
		f.mend = "az keyvault set-policy --secret-permissions get, or --key-permissions get wrapKey unwrapKey"
	default:
		f.reason = "the gateway's identity may not use it"
		f.mend = fmt.Sprintf("assign it the role %q on the vault or the %s; a new assignment takes up to ten minutes", roles(o.Kind), noun)
	}
}
