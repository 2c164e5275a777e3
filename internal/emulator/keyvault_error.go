package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// vaultError is an answer of Key Vault's error catalogue.
type vaultError struct {
	status  int
	code    string
	message string
	// inner is innererror.code; empty: there is none.
	inner  string
	header http.Header
}

func errVaultParameter(message string) *vaultError {
	return &vaultError{status: http.StatusBadRequest, code: "BadParameter", message: message}
}

func errVaultRoute(r *http.Request) *vaultError {
	return &vaultError{status: http.StatusNotFound, code: "NotFound", message: "No route matches " + r.Method + " here."}
}

// errVaultNotFound is also the answer for what was deleted and can be
// recovered.
func errVaultNotFound(kind, name, version string) *vaultError {
	id := name
	if version != "" {
		id += "/" + version
	}
	code, what := "SecretNotFound", "secret"
	if kind == "keys" {
		code, what = "KeyNotFound", "key"
	}
	return &vaultError{status: http.StatusNotFound, code: code, message: fmt.Sprintf(
		"A %s with (name/id) %s was not found in this key vault. If you recently deleted this %[1]s you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", what, id)}
}

func errVaultDisabled(operation, what, inner string) *vaultError {
	return &vaultError{status: http.StatusForbidden, code: "Forbidden", inner: inner,
		message: fmt.Sprintf("Operation %s is not allowed on a disabled %s.", operation, what)}
}

// errVaultRBAC is a refusal of a vault that goes by role assignments.
func errVaultRBAC(objectID, action string, c *vaultCall) *vaultError {
	host := c.v.opt.BaseURL
	if u, err := url.Parse(host); err == nil {
		host = u.Hostname()
	}
	return &vaultError{status: http.StatusForbidden, code: "Forbidden", inner: "ForbiddenByRbac", message: fmt.Sprintf(
		"Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: oid=%s\r\nAction: 'Microsoft.KeyVault/vaults/%s/action'\r\nResource: '/%s/%s'\r\nAssignment: (not found)\r\nVault: %s\r\n",
		objectID, action, c.kind, c.name, host)}
}

func errVaultThrottled(wait time.Duration) *vaultError {
	return &vaultError{
		status: http.StatusTooManyRequests, code: "Throttled",
		message: "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
		header:  http.Header{"Retry-After": {strconv.Itoa(max(1, int(wait/time.Second)))}},
	}
}

func failVault(w http.ResponseWriter, e *vaultError) {
	for k, v := range e.header {
		w.Header()[k] = v
	}
	type inner struct {
		Code string `json:"code"`
	}
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Inner   *inner `json:"innererror,omitempty"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = e.code, e.message
	if e.inner != "" {
		body.Error.Inner = &inner{e.inner}
	}
	writeJSON(w, e.status, body)
}
