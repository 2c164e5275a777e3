package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// apiError is an answer of the service's error catalogue.
type apiError struct {
	status int
	header http.Header
	body   errorBody
}

// errorBody is the member "error". Errors of the service itself have code and
// message; those of the model have type and param as well.
type errorBody struct {
	Code    *string     `json:"code"`
	Message string      `json:"message"`
	Param   **string    `json:"param,omitempty"`
	Type    **string    `json:"type,omitempty"`
	Status  int         `json:"status,omitempty"`
	Inner   *innerError `json:"innererror,omitempty"`
}

type innerError struct {
	Code   string  `json:"code"`
	Result filters `json:"content_filter_result"`
}

func (e *apiError) Error() string { return strconv.Itoa(e.status) + " " + e.body.Message }

func serviceError(status int, code, message string) *apiError {
	return &apiError{status: status, body: errorBody{Code: &code, Message: message}}
}

// requestError is an error of the model's front: a bad parameter.
func requestError(message, param, code string) *apiError {
	e := serviceError(http.StatusBadRequest, code, message)
	e.body.Type, e.body.Param = nullable("invalid_request_error"), nullable(param)
	if code == "" {
		e.body.Code = nil
	}
	return e
}

// nullable returns what marshals as the string, or as null where it is empty.
func nullable(s string) **string {
	p := &s
	if s == "" {
		p = nil
	}
	return &p
}

func errNotFound() *apiError { return serviceError(http.StatusNotFound, "404", "Resource not found") }

func errBadKey() *apiError {
	return serviceError(http.StatusUnauthorized, "401", "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.")
}

func errBadToken() *apiError {
	e := serviceError(http.StatusUnauthorized, "Unauthorized", "Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.")
	e.header = http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}
	return e
}

func errLocalAuth() *apiError {
	return serviceError(http.StatusForbidden, "AuthenticationTypeDisabled", "Key based authentication is disabled for this resource.")
}

func errPublicAccess() *apiError {
	return serviceError(http.StatusForbidden, "403", "Public access is disabled. Please configure private endpoint.")
}

func errNetworkRules() *apiError {
	return serviceError(http.StatusForbidden, "AccessDenied", "Access denied due to Virtual Network/Firewall rules.")
}

func errDeploymentNotFound() *apiError {
	return serviceError(http.StatusNotFound, "DeploymentNotFound", "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.")
}

func errOperation() *apiError {
	return serviceError(http.StatusBadRequest, "OperationNotSupported", "The requested operation does not work with the specified model. Please choose a different model and try again.")
}

func errInternal() *apiError {
	return serviceError(http.StatusInternalServerError, "InternalServerError", "The server had an error while processing your request. Sorry about that!")
}

func errMissing(param string) *apiError {
	return requestError("Missing required parameter: '"+param+"'.", param, "missing_required_parameter")
}

func errBody() *apiError {
	return requestError("We could not parse the JSON body of your request.", "", "")
}

// errPermission names the data action that the operation needs.
func errPermission(objectID string, c *call) *apiError {
	return serviceError(http.StatusUnauthorized, "PermissionDenied", "The principal `"+objectID+"` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/"+
		c.actionPath()+"/action` to perform `"+c.r.Method+" /openai/"+c.templatePath()+"` operation.")
}

// errRateLimit is the answer of a deployment whose limit, "token" or "call", is
// used up.
func errRateLimit(c *call, what string, wait time.Duration) *apiError {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	version := c.r.URL.Query().Get("api-version")
	if version == "" {
		version = "v1"
	}
	e := serviceError(http.StatusTooManyRequests, "429", "Requests to the "+operationID(c.op)+" Operation under Azure OpenAI API version "+version+
		" have exceeded "+what+" rate limit of your current OpenAI S0 pricing tier. Please retry after "+strconv.Itoa(seconds)+
		" seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.")
	e.header = retryHeader(wait)
	e.header.Set("policy-id", "DeploymentRatelimit-Token")
	if what == "token" {
		e.header.Set("x-ratelimit-reset-tokens", strconv.Itoa(seconds))
	} else {
		e.header.Set("x-ratelimit-reset-requests", strconv.Itoa(seconds))
	}
	return e
}

func retryHeader(wait time.Duration) http.Header {
	h := http.Header{}
	h.Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
	h.Set("retry-after-ms", strconv.FormatInt(wait.Milliseconds(), 10))
	return h
}

// fail writes an error. An answer that has begun is broken off instead.
func (c *call) fail(err error) {
	switch {
	case errors.Is(err, errGone):
		return
	case errors.Is(err, errAbort):
		panic(http.ErrAbortHandler) // net/http's own way to break off an answer
	}
	var e *apiError
	if !errors.As(err, &e) {
		e = errInternal()
	}
	h := c.w.Header()
	for k, v := range e.header {
		h[k] = v
	}
	writeJSON(c.w, e.status, struct {
		Error errorBody `json:"error"`
	}{e.body})
}

// writeJSON writes an answer in one piece, with its length.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // all shapes are ours and marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	w.Write(b)
}
