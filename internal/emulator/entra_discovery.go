package emulator

import "net/http"

// metadata is an OpenID configuration document, with the members that Entra ID
// has and clients read.
type metadata struct {
	TokenEndpoint     string   `json:"token_endpoint"`
	AuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	KeysURI           string   `json:"jwks_uri"`
	ResponseModes     []string `json:"response_modes_supported"`
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes     []string `json:"response_types_supported"`
	Scopes            []string `json:"scopes_supported"`
	Issuer            string   `json:"issuer"`
	Authorization     string   `json:"authorization_endpoint"`
	Claims            []string `json:"claims_supported"`
	Region            *string  `json:"tenant_region_scope"`
	Cloud             string   `json:"cloud_instance_name"`
}

// discovery answers with the metadata of a version.
func (e *Entra) discovery(t *tokenCall, version int) {
	root := e.opt.BaseURL + "/" + e.opt.TenantID
	m := metadata{
		TokenEndpoint: root + "/oauth2/token", KeysURI: root + "/discovery/keys", Authorization: root + "/oauth2/authorize",
		AuthMethods:       []string{"client_secret_post", "client_secret_basic"},
		ResponseModes:     []string{"query", "fragment", "form_post"},
		SubjectTypes:      []string{"pairwise"},
		SigningAlgorithms: []string{"RS256"},
		ResponseTypes:     []string{"code", "id_token", "code id_token", "token id_token", "token"},
		Scopes:            []string{"openid"},
		Issuer:            e.Issuer(version),
		Claims:            []string{"sub", "iss", "aud", "exp", "iat", "tid", "ver"},
		Cloud:             e.host,
	}
	if version == 2 {
		m.TokenEndpoint, m.KeysURI, m.Authorization = root+"/oauth2/v2.0/token", root+"/discovery/v2.0/keys", root+"/oauth2/v2.0/authorize"
		m.Scopes = []string{"openid", "profile", "email", "offline_access"}
	}
	writeJSON(t.w, http.StatusOK, m)
}

// instance answers the instance discovery that SDKs ask for before they trust
// an authority: this one, and no other.
func (e *Entra) instance(t *tokenCall) {
	type cloud struct {
		Network string   `json:"preferred_network"`
		Cache   string   `json:"preferred_cache"`
		Aliases []string `json:"aliases"`
	}
	writeJSON(t.w, http.StatusOK, struct {
		Endpoint string  `json:"tenant_discovery_endpoint"`
		Version  string  `json:"api-version"`
		Metadata []cloud `json:"metadata"`
	}{
		e.opt.BaseURL + "/" + e.opt.TenantID + "/v2.0/.well-known/openid-configuration", "1.1",
		[]cloud{{e.host, e.host, []string{e.host}}},
	})
}
