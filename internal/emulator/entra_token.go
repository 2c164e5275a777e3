package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloister-ai/cloister/internal/secret"
)

// maxForm bounds a token request's body, in bytes.
const maxForm = 64 << 10

// tokenCall is one request to the tenant.
type tokenCall struct {
	e           *Entra
	w           http.ResponseWriter
	r           *http.Request
	correlation string
}

// token answers at the token endpoint of a version, which decides the form of
// request and answer. The version of the token is the resource's.
func (t *tokenCall) token(endpoint int) {
	t.r.Body = http.MaxBytesReader(t.w, t.r.Body, maxForm)
	if err := t.r.ParseForm(); err != nil {
		t.fail(errParameter("grant_type"))
		return
	}
	client, asked, resource, err := t.grant(endpoint)
	if err != nil {
		t.fail(err)
		return
	}
	now := t.e.opt.Now()
	raw, signErr := t.e.Sign(t.e.claims(client, asked, resource, now))
	if signErr != nil {
		http.Error(t.w, signErr.Error(), http.StatusInternalServerError)
		return
	}
	t.e.issued.Add(1)
	// Entra ID rounds down what is left when it answers.
	left := int(t.e.opt.Lifetime.Seconds()) - 1
	if endpoint == 2 {
		writeJSON(t.w, http.StatusOK, struct {
			Type        string `json:"token_type"`
			Expires     int    `json:"expires_in"`
			ExtExpires  int    `json:"ext_expires_in"`
			AccessToken string `json:"access_token"`
		}{"Bearer", left, left, raw})
		return
	}
	seconds := strconv.Itoa(left)
	writeJSON(t.w, http.StatusOK, struct {
		Type        string `json:"token_type"`
		Expires     string `json:"expires_in"`
		ExtExpires  string `json:"ext_expires_in"`
		ExpiresOn   string `json:"expires_on"`
		NotBefore   string `json:"not_before"`
		Resource    string `json:"resource"`
		AccessToken string `json:"access_token"`
	}{
		"Bearer", seconds, seconds,
		strconv.FormatInt(now.Add(t.e.opt.Lifetime).Unix(), 10), strconv.FormatInt(now.Add(-backdate).Unix(), 10),
		asked, raw,
	})
}

// grant checks a client credentials request: who asks, and for which resource
// by which name.
func (t *tokenCall) grant(endpoint int) (client *EntraClient, asked string, resource *EntraResource, err *entraError) {
	form := t.r.PostForm
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "":
		return nil, "", nil, errParameter("grant_type")
	default:
		return nil, "", nil, errGrantType(grant)
	}
	if client, err = t.authenticate(); err != nil {
		return nil, "", nil, err
	}
	if endpoint == 2 {
		asked, err = defaultScope(form.Get("scope"))
	} else if asked = form.Get("resource"); asked == "" {
		err = errParameter("resource")
	}
	if err != nil {
		return nil, "", nil, err
	}
	if resource = t.e.resource(asked); resource == nil {
		return nil, "", nil, errResource(asked, t.e.opt.TenantID)
	}
	if resource.AssignmentRequired && len(client.Roles[resource.ID]) == 0 {
		return nil, "", nil, errAssignment(client.ID, resource.ID)
	}
	return client, asked, resource, nil
}

// authenticate finds the client by its secret, in the body or as Basic
// credentials (RFC 6749, section 2.3.1: form-encoded inside).
func (t *tokenCall) authenticate() (*EntraClient, *entraError) {
	id, shown := t.r.PostForm.Get("client_id"), t.r.PostForm.Get("client_secret")
	if user, password, ok := t.r.BasicAuth(); ok {
		var err1, err2 error
		id, err1 = url.QueryUnescape(user)
		shown, err2 = url.QueryUnescape(password)
		if err1 != nil || err2 != nil {
			return nil, errSecretMissing()
		}
	}
	if id == "" {
		return nil, errParameter("client_id")
	}
	client := t.e.clients[strings.ToLower(id)]
	if client == nil {
		return nil, errClient(id, t.e.opt.TenantID)
	}
	if shown == "" {
		return nil, errSecretMissing()
	}
	if !slices.ContainsFunc(client.Secrets, secret.New(shown).Equal) {
		return nil, errSecret(client.ID)
	}
	return client, nil
}

// defaultScope returns the resource that a scope names. The SDKs add the OpenID
// scopes, which mean nothing for an application.
func defaultScope(scope string) (string, *entraError) {
	found := ""
	for _, s := range strings.Fields(scope) {
		switch s {
		case "openid", "profile", "email", "offline_access":
			continue
		}
		resource, ok := strings.CutSuffix(s, "/.default")
		if !ok || resource == "" {
			return "", errScope(s)
		}
		if found != "" {
			return "", errScopes(scope)
		}
		found = resource
	}
	if found == "" {
		return "", errParameter("scope")
	}
	return found, nil
}

// resource finds what a token is asked for by id or URI, with or without a
// slash at the end.
func (e *Entra) resource(name string) *EntraResource {
	name = strings.TrimSuffix(name, "/")
	for i := range e.resources {
		r := &e.resources[i]
		if strings.EqualFold(name, r.ID) || strings.EqualFold(name, "api://"+r.ID) {
			return r
		}
		if slices.ContainsFunc(r.URIs, func(u string) bool { return strings.EqualFold(name, strings.TrimSuffix(u, "/")) }) {
			return r
		}
	}
	return nil
}
