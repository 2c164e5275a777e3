// Package request is what a policy expression sees of the request at hand:
// "context" with every member that the reference page of API Management
// documents, the types that it hands out, and their extension methods.
//
// A [Context] is plain data with small interfaces where the data comes late or
// may be big: [Body], [Values], [Variables]. Its parts are the .NET objects
// themselves, so that reading a member makes nothing. [Read] makes one of a
// context file.
//
// It guarantees that keys of subscriptions are shown only as they were given:
// Subscription.Key is what the caller sent, PrimaryKey and SecondaryKey are empty
// in the gateway, which stores digests.
//
// What the reference page leaves open is decided as the tables of the oracle
// have it: values of one header are joined by commas, names of headers and query
// parameters stand in any case, a body that was read without preserveContent is
// empty afterwards.
package request
