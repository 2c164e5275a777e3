// Command bench compares the gateway with what it is measured against: a bare
// httputil.ReverseProxy and nginx. "make bench" runs it.
//
// It guarantees that all are asked the same in the same run, one after the
// other in every round: the same load, upstream, TLS settings and key type,
// each proxy alone on one core, load and upstream on the other. The gateway
// runs "cloister serve" with a subscription key, routing, the scan of request
// bodies, a backend credential, access records and metrics; the others do none
// of this.
//
// The figure that counts is CPU time per request, user and system, of the
// proxy's processes, because noise spares it; each result is the median over
// the rounds. The last line of each part is for programs:
//
//	json cpu-ratio reverseproxy R nginx R
//	sse cpu-ratio reverseproxy R nginx R
//	added cpu-us request R audit R overload R revocation R
//	idle streams N kib-each R cpu-percent R
//	expr guard ns R allocations N expr-ratio R cel-ratio R
//	network nsg-1000-ns R
//	network lab-up-ms R
//
// The part "expr" needs no gateway: it evaluates the same work in the language
// of policy expressions, in expr and in cel-go, and says what loading costs. Nor
// does the part of "network" that asks the rules of security groups; its lab brings
// the gateway with it.
//
// It fails when a part does not start, when an answer is not what the upstream
// sent, and when the proxies do not speak the same TLS. It judges no figure.
// Linux only: it reads /proc.
package main
