// Package verify turns credentials into identities: subscription keys by
// [Directory], access tokens by [TokenVerifier].
//
// It guarantees that a token is accepted only where every row of
// docs/tokens.md holds: one canonical spelling, an algorithm that both the
// issuer and its key allow, a key from the issuer's own set, the configured
// issuer and audience, a bounded life. No key of a subscription is held in
// clear. Work is bounded: sizes, depths, the number of fetches that made-up
// key ids can cause, and what is remembered.
//
// It does not decide what a caller may do, and it does not check
// proof-of-possession: a token that is bound to a key or certificate (cnf) is
// refused, because accepting it as a plain bearer token would undo the bond.
// Revocation before expiry is not here either.
//
// It fails with an [*Error]: a stable code and a cause for the operator, one
// sentence that gives nothing away for the caller.
package verify
