package verify

import (
	"fmt"
	"net/http"
)

// Code says why a credential was refused. Codes are stable, kebab-case, for
// records and programs; callers never see them.
type Code string

// Codes by the row of docs/tokens.md that they belong to.
const (
	AuthorizationRepeated  Code = "authorization-repeated"  // 1
	AuthorizationMalformed Code = "authorization-malformed" // 1
	TokenTooLarge          Code = "token-too-large"         // 1
	TokenMalformed         Code = "token-not-three-parts"   // 1
	TokenEncrypted         Code = "token-encrypted"         // 1
	EncodingRefused        Code = "token-encoding"          // 2
	JSONRefused            Code = "token-json"              // 3
	AlgorithmRefused       Code = "algorithm-refused"       // 4
	AlgorithmOfOtherKey    Code = "algorithm-key-mismatch"  // 4
	KeyIDMissing           Code = "key-id-missing"          // 5
	KeyUnknown             Code = "key-unknown"             // 5
	KeysUnavailable        Code = "keys-unavailable"        // 18
	SignatureInvalid       Code = "signature-invalid"       // 7
	HeaderCritical         Code = "header-critical"         // 8
	TypeRefused            Code = "type-refused"            // 9
	IDToken                Code = "id-token"                // 9
	NoScopeOrRole          Code = "scope-or-role-missing"   // 9
	IssuerMissing          Code = "issuer-missing"          // 10
	IssuerUnknown          Code = "issuer-unknown"          // 10
	IssuerOfOtherKey       Code = "issuer-key-mismatch"     // 10
	TenantMismatch         Code = "tenant-mismatch"         // 10
	AudienceMismatch       Code = "audience-mismatch"       // 11
	TimeMalformed          Code = "time-malformed"          // 12
	ExpiryMissing          Code = "expiry-missing"          // 12
	Expired                Code = "expired"                 // 12
	NotYetValid            Code = "not-yet-valid"           // 12
	LifetimeTooLong        Code = "lifetime-too-long"       // 12
	ClaimMissing           Code = "claim-missing"           // 13
	ClaimMalformed         Code = "claim-malformed"         // 13
	ClientConflict         Code = "client-id-conflict"      // 13
	CallerUnmapped         Code = "caller-not-mapped"       // 13
	DelegatedAndApp        Code = "delegated-and-app"       // 14
	SenderConstrained      Code = "sender-constrained"      // 15
)

// Error is a refused credential.
type Error struct {
	Code Code
	// Status is the answer's status: 400, 401, 403 or 503.
	Status int
	// Cause is for the operator. It never holds the credential.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return "refused: " + string(e.Code)
	}
	return fmt.Sprintf("refused: %s: %v", e.Code, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// Public is what the caller may know. It depends on the status alone, so that
// it tells nobody how far a forged token got.
func (e *Error) Public() string {
	switch e.Status {
	case http.StatusBadRequest:
		return "The Authorization header is not valid."
	case http.StatusForbidden:
		return "The caller is not allowed."
	case http.StatusServiceUnavailable:
		return "The access token cannot be verified at this time."
	}
	return "The access token is not valid."
}

// Challenge is the value of WWW-Authenticate for the answer (RFC 6750,
// section 3); empty where the status takes none.
func (e *Error) Challenge() string {
	var code string
	switch e.Status {
	case http.StatusBadRequest:
		code = "invalid_request"
	case http.StatusUnauthorized:
		code = "invalid_token"
	case http.StatusForbidden:
		code = "insufficient_scope"
	default:
		return ""
	}
	return fmt.Sprintf(`Bearer error="%s", error_description="%s"`, code, e.Public())
}

// ChallengeNoToken is the value of WWW-Authenticate where a token was wanted
// and none came: RFC 6750 gives no error code then.
const ChallengeNoToken = "Bearer"

// Unmapped is the refusal of a good token that [MapCaller] maps to no
// subscription.
func Unmapped() *Error { return refuse(CallerUnmapped, "no caller rule matches the token") }

// refuse makes the error of a code; the text is for the operator.
func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Status: status(code), Cause: fmt.Errorf(format, args...)}
}

func status(code Code) int {
	switch code {
	case AuthorizationRepeated, AuthorizationMalformed, TokenTooLarge, TokenMalformed, TokenEncrypted:
		return http.StatusBadRequest
	case CallerUnmapped:
		return http.StatusForbidden
	case KeysUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}
