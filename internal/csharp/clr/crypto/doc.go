// Package crypto is System.Security.Cryptography with its X509Certificates:
// hashes, HMACs, random numbers, ciphers of blocks, RSA and certificates.
//
// All arithmetic is that of Go's standard library and golang.org/x/crypto; this
// package gives it .NET's classes, names, formats of keys and messages. What
// .NET has and those lack is refused as .NET refuses an algorithm that it does
// not know: RIPEMD-160, RC2 and the large blocks of Rijndael.
//
// Hashing costs steps by the bytes, private keys by the cube of their size, so
// that no expression computes longer than its limits: by default it can
// generate a key of 2048 bits, and none of 4096. Keys below 1024 bits are not
// generated, as the standard library refuses to use them.
//
// [NewCertificate] makes certificates that come with a request or a
// configuration. Nothing here asks the network: X509Certificate2.Verify trusts
// the roots that the thread's host names ([Trusting]), else the machine's, and
// revocation is never looked up. There are no files either. How often a PKCS #12
// hashes its password is bounded as far as the file says it openly.
//
// The family has the methods of byte[] and X509Certificate2 that Azure adds, too:
// Encrypt, Decrypt and VerifyNoRevocation.
//
// Failing throws .NET's exceptions, with the messages that Mono's class library
// has; where a library of Go says what is wrong with a key or a certificate, its
// words stay out.
package crypto
