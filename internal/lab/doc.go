// Package lab is a site's architecture as network namespaces on one Linux
// machine, made by an unprivileged user: every subnet, network interface and
// private endpoint is a host of its own, with the security groups between them,
// the private names, and an internet outside.
//
// It guarantees that a packet goes from one host to another only over the
// fabric, where the site's rules see it, and that nothing goes further: there is
// no way to the machine's own network. A host sends from its own addresses
// alone. What is made belongs to two processes: an outer one, which holds the
// terminal, and an inner one, the first of its process namespace. When either
// ends, in whatever way, namespaces, processes, mounts and files are gone.
//
// It does not model routes, gateways, load balancers and the address that Azure
// gives what leaves; rules that change do not cut what is connected, as in
// Azure. Azure OpenAI and the managed identity are emulated.
//
// It fails where the kernel forbids namespaces, naming the setting that does so;
// nothing is half made. It needs Linux.
package lab
