package emulator

import (
	"fmt"
	"net/http"
	"strconv"
)

// entraError is an error of Entra ID's catalogue (AADSTS codes).
type entraError struct {
	status  int
	code    int
	name    string
	message string
}

func (e *entraError) Error() string { return "AADSTS" + strconv.Itoa(e.code) + ": " + e.message }

func badGrant(code int, name, format string, args ...any) *entraError {
	return &entraError{http.StatusBadRequest, code, name, fmt.Sprintf(format, args...)}
}

const notInstalled = "This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."

func errTenant(tenant string) *entraError {
	return badGrant(90002, "invalid_tenant", "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", tenant)
}

func errParameter(name string) *entraError {
	return badGrant(900144, "invalid_request", "The request body must contain the following parameter: '%s'.", name)
}

func errGrantType(name string) *entraError {
	return badGrant(70003, "unsupported_grant_type", "The app requested an unsupported grant type '%s'.", name)
}

func errClient(id, tenant string) *entraError {
	return badGrant(700016, "unauthorized_client", "Application with identifier '%s' was not found in the directory '%s'. %s You may have sent your authentication request to the wrong tenant.", id, tenant, notInstalled)
}

func errSecretMissing() *entraError {
	e := badGrant(7000218, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	e.status = http.StatusUnauthorized
	return e
}

func errSecret(id string) *entraError {
	e := badGrant(7000215, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", id)
	e.status = http.StatusUnauthorized
	return e
}

func errScope(scope string) *entraError {
	return badGrant(1002012, "invalid_scope", "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", scope)
}

func errScopes(scope string) *entraError {
	return badGrant(70011, "invalid_scope", "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", scope)
}

func errResource(name, tenant string) *entraError {
	return badGrant(500011, "invalid_resource", "The resource principal named %s was not found in the tenant named %s. %s You might have sent your authentication request to the wrong tenant.", name, tenant, notInstalled)
}

func errAssignment(client, resource string) *entraError {
	return badGrant(501051, "invalid_grant", "Application '%s'(%[1]s) is not assigned to a role for the application '%s'(%[2]s).", client, resource)
}

// fail answers in Entra ID's form.
func (t *tokenCall) fail(err *entraError) {
	now := t.e.opt.Now().UTC().Format("2006-01-02 15:04:05Z")
	trace := t.w.Header().Get("X-Ms-Request-Id")
	writeJSON(t.w, err.status, struct {
		Name        string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		Timestamp   string `json:"timestamp"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
		URI         string `json:"error_uri"`
	}{
		err.name, err.Error() + " Trace ID: " + trace + " Correlation ID: " + t.correlation + " Timestamp: " + now,
		[]int{err.code}, now, trace, t.correlation, t.e.opt.BaseURL + "/error?code=" + strconv.Itoa(err.code),
	})
}
