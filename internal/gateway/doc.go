// Package gateway is the road of a request, one file for each of its steps:
//
//	accept.go     connection limits and the peer, before any byte is read
//	tls.go        TLS, the name by SNI
//	read.go       one canonical parse (with wire*.go for HTTP/1.1)
//	route.go      API and operation
//	identify.go   subscription key, token, client certificate → principal
//	authorize.go  may this caller use this API → decision with reasons
//	inbound.go    the policy pipeline begins
//	gate.go       before every attempt at a backend
//	forward.go    one attempt at a backend (with websocket.go)
//	outbound.go   the answer, streams included
//	record.go     one access record, metrics, spans
//	onerror.go    what callers are told when something fails
//
// It guarantees that no policy document can skip a step of the frame (accept
// to authorize, gate, record): policies have no way to a backend but the gate;
// that the request which was authorized is the one that is forwarded; that a
// caller's credential does not leave; that nobody unidentified gets past
// authorize unless the site says so; that every request which was routed
// leaves one record; and that streams are passed on byte by byte, as they come,
// in constant memory.
//
// What one loaded site decides requests by is a [Snapshot]: immutable, and
// swapped whole. A request keeps the snapshot it began with. The package opens
// no connection by itself, and reads no file and no environment.
//
// It fails closed: what cannot be decided is refused, in API Management's form
// of answer, with the reasons in the record.
package gateway
