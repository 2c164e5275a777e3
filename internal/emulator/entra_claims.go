package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// backdate is how far back Entra ID dates iat and nbf.
const backdate = 5 * time.Minute

// Claims are those of an application's access token, in Entra ID's order. A
// version has either appid and appidacr or azp and azpacr.
type Claims struct {
	Audience  string   `json:"aud"`
	Issuer    string   `json:"iss"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	AIO       string   `json:"aio,omitempty"`
	AppID     string   `json:"appid,omitempty"`
	AppIDACR  string   `json:"appidacr,omitempty"`
	AZP       string   `json:"azp,omitempty"`
	AZPACR    string   `json:"azpacr,omitempty"`
	IDP       string   `json:"idp,omitempty"`
	IDType    string   `json:"idtyp,omitempty"`
	ObjectID  string   `json:"oid"`
	RH        string   `json:"rh,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	Subject   string   `json:"sub"`
	TenantID  string   `json:"tid"`
	TokenID   string   `json:"uti"`
	Version   string   `json:"ver"`
}

// clientSecretACR is the value of appidacr and azpacr for a client that showed
// a secret.
const clientSecretACR = "1"

// claims are those of a token for a client that asked for a resource by name.
func (e *Entra) claims(client *EntraClient, asked string, resource *EntraResource, now time.Time) *Claims {
	c := &Claims{
		Audience: asked, Issuer: e.Issuer(1), Version: "1.0",
		IssuedAt: now.Add(-backdate).Unix(), NotBefore: now.Add(-backdate).Unix(), Expires: now.Add(e.opt.Lifetime).Unix(),
		AIO: encode(randomBytes(e.opt.Rand, 24)), RH: "1." + encode(randomBytes(e.opt.Rand, 24)) + ".",
		AppID: client.ID, AppIDACR: clientSecretACR, IDP: e.Issuer(1), IDType: "app",
		ObjectID: client.ObjectID, Subject: client.ObjectID, TenantID: e.opt.TenantID,
		Roles: client.Roles[resource.ID], TokenID: encode(randomBytes(e.opt.Rand, 16)),
	}
	if resource.Version == 2 {
		c.Audience, c.Issuer, c.Version = resource.ID, e.Issuer(2), "2.0"
		c.AppID, c.AppIDACR, c.IDP = "", "", ""
		c.AZP, c.AZPACR = client.ID, clientSecretACR
	}
	return c
}

// Claims are those that a client's token for a resource would have now, to be
// changed and given to [Entra.Sign]. The resource is named as in a scope,
// without "/.default".
func (e *Entra) Claims(clientID, resource string) (*Claims, error) {
	client, r := e.clients[strings.ToLower(clientID)], e.resource(resource)
	if client == nil || r == nil {
		return nil, fmt.Errorf("emulator: there is no client %q or no resource %q", clientID, resource)
	}
	return e.claims(client, resource, r, e.opt.Now()), nil
}

// VerifyToken returns what [OpenAIOptions.VerifyToken] takes: it accepts this
// tenant's tokens for Cognitive Services. allow says whether a principal, by
// object id, has the data action; nil: all have.
func (e *Entra) VerifyToken(allow func(objectID string) bool) func(context.Context, string) error {
	return func(_ context.Context, raw string) error {
		c, err := e.verify(raw)
		if err != nil {
			return err
		}
		r := e.resource(c.Audience)
		now := e.opt.Now().Unix()
		switch {
		case r == nil || r.ID != CognitiveServicesID:
			return fmt.Errorf("emulator: audience %q is another's", c.Audience)
		case c.Issuer != e.Issuer(1) && c.Issuer != e.Issuer(2):
			return fmt.Errorf("emulator: issuer %q is another", c.Issuer)
		case now < c.NotBefore || now >= c.Expires:
			return errors.New("emulator: the token is not valid now")
		case allow != nil && !allow(c.ObjectID):
			return &PermissionError{ObjectID: c.ObjectID}
		}
		return nil
	}
}

// verify checks a token's signature against the published keys.
func (e *Entra) verify(raw string) (*Claims, error) {
	payload, err := e.keys.verifier().VerifyJWS(raw, []string{"RS256"})
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	c := new(Claims)
	if err := json.Unmarshal(payload, c); err != nil {
		return nil, fmt.Errorf("emulator: reading a token's claims: %w", err)
	}
	return c, nil
}
