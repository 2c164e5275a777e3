// Package admin is the operator's door: the admin API of a running gateway, on
// a Unix socket in its state directory and, where the site says so, over TLS;
// and the same door in the process of a command while no gateway runs.
//
// It guarantees that every call goes through one function, which authorises,
// acts and audits, so that none of the three can be forgotten; that an act is
// on record, durably, before it begins and when it has ended, with its actor;
// that on the socket the kernel says who is at the other end, and only the
// gateway's own user and root have roles; that nobody without a role learns
// anything, not even what there is; and that a key is in no answer but the one
// that makes it.
//
//	who                     actor                 roles
//	root, the owner         os:UID:NAME           all
//	a client certificate    certificate:SHA256    admin.roles
//	a token                 token:ID              admin.roles
//
// It holds no state and knows nothing of sites: what it does is given to it as
// [Actions]. Equal reads leave one record a minute.
//
// It fails with an [*Error] on the side of the client: what the door answered,
// or why it could not be asked.
package admin
