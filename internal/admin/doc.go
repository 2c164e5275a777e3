// Package admin is the operator's door: the admin API of a running gateway, on
// a Unix socket in its state directory.
//
// It guarantees that only the gateway's own user and root get in (the socket
// has mode 0600, and the kernel says who is at its other end); that every call
// goes through one function, which authorises, acts and logs, with the actor as
// "os:UID:NAME"; and that there is no way in over TCP, loopback included.
//
// It holds no state and knows nothing of sites: what it does is given to it as
// [Actions]. Roles, and calls over TLS, are not here yet.
//
// It fails with an *Error on the side of the client: what the gateway answered,
// or why it could not be asked.
package admin
