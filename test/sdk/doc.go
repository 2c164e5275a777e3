// Package sdk runs the official SDKs, unmodified, against a private
// "cloister up": openai-go and npm's openai, on Azure's own surface and on v1,
// with a subscription key and with an Entra token from azidentity and
// @azure/identity.
//
// It guarantees that each SDK completes, streams, embeds and calls responses
// with nothing changed but the address, the CA and the credential, and that
// each is refused with a wrong credential. What the SDKs do beyond that, and
// whether they keep to their own documentation, is not its business.
//
// The tests in node/policies belong to internal/app, which runs them against a
// site with policy documents of its own.
//
// It fails when a call fails or an answer is empty. Without npm's packages the
// Node part is skipped with the reason, or fails under "make test".
package sdk
