// Package crypto is System.Security.Cryptography with its X509Certificates:
// hashes, HMACs, random numbers, ciphers of blocks, RSA and certificates.
//
// All arithmetic is that of Go's standard library and golang.org/x/crypto; this
// package gives it .NET's classes, names, formats of keys and messages. What
// .NET has and those lack is refused as .NET refuses an algorithm that it does
// not know: RIPEMD-160, RC2 and the large blocks of Rijndael.
//
// Hashing costs steps by the bytes, private keys by the cube of their size, so
// that no expression computes longer than its limits; a key of more than 4096
// bits is not generated, and never used.
//
// [NewCertificate] makes certificates that come with a request or a
// configuration; [Encrypt] and [Decrypt] are the context's methods of those
// names. Nothing here asks the network: [Verify] trusts the roots that it is
// given, and revocation is never looked up.
//
// Failing throws .NET's exceptions, with the messages that Mono's class library
// has; where a library of Go says what is wrong with a key or a certificate, its
// words stay out.
package crypto
