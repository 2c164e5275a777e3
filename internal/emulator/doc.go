// Package emulator stands in for Azure OpenAI and Entra ID, for development and
// tests only: it makes up its answers and guards nothing.
//
// It guarantees that official SDKs cannot tell its wire protocol from the
// services' where docs/emulator.md does not say so, and that its texts, vectors
// and token counts are a function of the request. What it signs and issues
// carries [Marker], so that a gateway in production can refuse to trust it.
//
// It has no model, and no content filter beyond trigger words; it keeps
// responses in memory, the latest thousand; it implements no files, batches,
// audio, images or tools, and answers 404 there, as for everything that it does
// not know. It opens no connection: both emulators are http.Handlers.
//
// It fails on purpose where a test asks for it, see [Knobs]. Requests that it
// cannot read are answered with the service's errors.
package emulator

import "github.com/cloister-ai/cloister/internal/identity/issue"

// Marker stands in everything that the emulator signs or issues: key ids, the
// subjects of its certificates, the paths of its issuers.
const Marker = issue.EmulatorMarker
