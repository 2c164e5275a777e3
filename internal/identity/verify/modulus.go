package verify

import (
	"errors"
	"fmt"
	"math/big"
)

const (
	minModulusBits = 2048
	maxModulusBits = 8192
)

// smallPrimes are the odd primes up to 167. Their product with 2 is the
// primorial of the smallest keys that CVE-2017-15361 touches, and it divides
// those of all larger ones.
func smallPrimes() []int64 {
	return []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
		73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
		151, 157, 163, 167,
	}
}

// checkModulus refuses moduli that are too short, that cost too much, or that
// can be factored.
func checkModulus(n *big.Int) error {
	if bits := n.BitLen(); bits < minModulusBits || bits > maxModulusBits {
		return fmt.Errorf("its modulus has %d bits, not %d to %d", bits, minModulusBits, maxModulusBits)
	}
	if n.Bit(0) == 0 {
		return errors.New("its modulus is even")
	}
	roca := true
	rest, prime := new(big.Int), new(big.Int)
	for _, p := range smallPrimes() {
		r := rest.Mod(n, prime.SetInt64(p)).Int64()
		if r == 0 {
			return fmt.Errorf("its modulus is divisible by %d", p)
		}
		roca = roca && isPowerOf65537(r, p)
	}
	if roca {
		return errors.New("its modulus was made by a faulty generator (CVE-2017-15361)")
	}
	return nil
}

// isPowerOf65537 reports whether r is 65537^i mod p for some i. The faulty
// generator makes primes of the form kM + (65537^a mod M), so the residues of
// its moduli all are; of an honest modulus, one in 2^27 is.
func isPowerOf65537(r, p int64) bool {
	g := 65537 % p
	for x := g; ; x = x * g % p {
		if x == r {
			return true
		}
		if x == 1 {
			return false
		}
	}
}
