// Package dns answers for the private zones of a site as Azure's own resolver
// answers in a virtual network: the zones that are linked to the network of who
// asks, the longest zone first, and nothing to anybody else.
//
// [Zones] is the knowledge: compiled once, immutable, asked without a socket by
// the egress dialer ([Zones.Lookup]) and by the lab. [Server] speaks it by UDP
// and TCP.
//
// It guarantees that a name of a linked zone is answered from that zone alone: a
// name without a record does not exist, unless the link falls back
// (NxDomainRedirect); that an asker outside the site's networks learns nothing;
// that no answer by UDP is longer than 1,232 bytes, nor than eight times its
// question; that a source prefix gets a bounded number of answers a second; that
// goroutines, connections and memory are bounded whatever arrives; and that
// nothing is asked outside unless the site names servers, which the one dialer
// reaches.
//
// It does not sign (DNSSEC), cache, transfer zones or take updates, and it
// follows no delegation: Azure's private zones have none. A name in
// <zone>.privatelink form is what the public DNS makes of the name of a private
// endpoint; as there is no public DNS to ask, that one alias is answered here.
//
// It fails closed: what cannot be answered is REFUSED or SERVFAIL, never a
// public address, and what is no question gets no answer. What is wrong with the
// documents are site.Problems of [Compile], each with its place.
package dns
