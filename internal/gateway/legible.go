package gateway

import (
	"errors"
	"net/textproto"
	"strings"

	"github.com/cloister-ai/cloister/internal/backend"
)

// legible is an error of a transport as the operator may read it. Where an
// answer is not HTTP, net/http quotes it, and what it quotes may be a
// completion: such errors lose everything from the first quotation mark on.
func legible(err error) error {
	var malformed textproto.ProtocolError
	var connect *backend.ConnectError
	var credential *backend.CredentialError
	var travel *backend.TravelError
	var open *backend.OpenError
	switch {
	case errors.As(err, &malformed):
		return errors.New("the head of the backend's answer is malformed")
	case errors.As(err, &connect), errors.As(err, &credential), errors.As(err, &travel), errors.As(err, &open):
		return err // there was no answer
	}
	text := err.Error()
	if i := strings.IndexByte(text, '"'); i >= 0 {
		return errors.New(text[:i] + "…")
	}
	return err
}
