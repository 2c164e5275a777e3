// Package front puts the gateway's front (accept, TLS, read) before programs of
// others that judge protocols: h2spec for HTTP/2, sslscan for TLS. What they
// have to say is pinned line by line, so that a new version of Go or of our
// settings cannot change it unseen.
package front
