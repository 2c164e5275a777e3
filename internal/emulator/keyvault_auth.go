package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// authenticate answers a request without a token with a challenge, which names
// where and for what to get one.
func (c *vaultCall) authenticate() (objectID string, _ *vaultError) {
	scheme, raw, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return "", c.challenge("AKV10000: Request is missing a Bearer or PoP token.")
	}
	if c.v.opt.VerifyToken == nil {
		return "", c.challenge("AKV10001: No token is accepted here.")
	}
	id, err := c.v.opt.VerifyToken(c.r.Context(), raw)
	if err != nil {
		return "", c.challenge("AKV10022: Invalid audience, issuer or signature.")
	}
	return id, nil
}

func (c *vaultCall) challenge(message string) *vaultError {
	return &vaultError{
		status: http.StatusUnauthorized, code: "Unauthorized", message: message,
		header: http.Header{"Www-Authenticate": {fmt.Sprintf("Bearer authorization=%q, resource=%q", c.v.opt.Authority, c.v.opt.Resource)}},
	}
}

// VerifyVaultToken is what [KeyVaultOptions.VerifyToken] takes: it accepts this
// tenant's tokens for Key Vault, which has to be among its resources.
func (e *Entra) VerifyVaultToken(_ context.Context, raw string) (string, error) {
	c, err := e.verify(raw)
	if err != nil {
		return "", err
	}
	r := e.resource(c.Audience)
	now := e.opt.Now().Unix()
	switch {
	case r == nil || r.ID != KeyVaultID:
		return "", fmt.Errorf("emulator: audience %q is another's", c.Audience)
	case c.Issuer != e.Issuer(1) && c.Issuer != e.Issuer(2):
		return "", fmt.Errorf("emulator: issuer %q is another", c.Issuer)
	case now < c.NotBefore || now >= c.Expires:
		return "", errors.New("emulator: the token is not valid now")
	}
	return c.ObjectID, nil
}
