// Package endpoint is the private endpoints of a site: which one leads to a host,
// in which state its connection is, and what may go through it now.
//
// It guarantees that a host with an endpoint is reached at that endpoint's own
// addresses, in its subnet, while its connection is approved, and at no other
// time or place; that whatever address is an endpoint's is under the same rule,
// by whichever name it is reached; and that a connection that is open when this
// ends is cut.
//
//	state         approve    reject     remove         traffic
//	Pending       Approved   Rejected   Disconnected   no
//	Approved      –          Rejected   Disconnected   yes
//	Rejected      Approved   –          Disconnected   no
//	Disconnected  –          –          –              no
//
// That is Azure's table (Microsoft Learn, "Manage a private endpoint
// connection"). The document's own status is the first state. What an operator
// decides is about one endpoint with its service and its addresses ([Endpoint.ID]):
// a document that changes any of them begins with its own status again, and
// nothing else leads out of Disconnected.
//
// It opens no connection and stores nothing: the dialer asks [View] before it
// connects and holds what it has opened there, and whoever keeps decisions tells
// [Live]. It does not resolve names.
//
// It fails closed, with a [*Refusal]: a decision that cannot be read is a
// rejection. What is wrong with the documents are site.Problems of [Compile],
// each with its place.
package endpoint
