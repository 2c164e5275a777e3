package verify

import (
	"crypto/rsa"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestAlgorithms(t *testing.T) {
	for _, alg := range Algorithms() {
		k := newKey(t, "k", alg)
		for _, named := range []string{"", alg} {
			if named != "" {
				k.jwk["alg"] = named
			}
			set, problems, err := ParseKeySet(encode(t, object{"keys": []any{k.jwk}}))
			if err != nil || len(problems) != 0 {
				t.Fatalf("%s: %v %v", alg, problems, err)
			}
			raw := k.compact(t, encode(t, object{"alg": alg, "kid": "k"}), []byte("foo"))
			if payload, err := set.VerifyJWS(raw, Algorithms()); err != nil || string(payload) != "foo" {
				t.Errorf("%s: %q %v", alg, payload, err)
			}
			// A key signs by one algorithm of its kind; by its own name only.
			for _, other := range Algorithms() {
				if other == alg {
					continue
				}
				raw := k.compact(t, encode(t, object{"alg": other, "kid": "k"}), []byte("foo"))
				_, err := set.VerifyJWS(raw, Algorithms())
				if both := k.isRSA() && isRSA(other) && named == ""; (err == nil) != both {
					t.Errorf("key %s (alg %q) and a token by %s: %v", alg, named, other, err)
				}
				if _, err := set.VerifyJWS(raw, []string{alg}); err == nil {
					t.Errorf("%s accepted where only %s is allowed", other, alg)
				}
			}
		}
	}
}

func isRSA(alg string) bool { return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS") }

func (k *testKey) isRSA() bool { return isRSA(k.alg) }

// TestKeyHygiene is row 6.
func TestKeyHygiene(t *testing.T) {
	rsaKey, ec, ed := newKey(t, "r", "RS256"), newKey(t, "e", "ES256"), newKey(t, "d", "EdDSA")
	public, isRSA := rsaKey.private.Public().(*rsa.PublicKey)
	if !isRSA {
		t.Fatal("not RSA")
	}
	n := public.N
	shifted := func(bits uint) *big.Int { return new(big.Int).SetBit(new(big.Int).Lsh(n, bits), 0, 1) }
	for _, c := range []struct {
		name   string
		base   *testKey
		change object
		reason string // "": the key is used
		alarm  bool
	}{
		{"RSA", rsaKey, nil, "", false},
		{"EC", ec, nil, "", false},
		{"Ed25519", ed, nil, "", false},
		{"no use", rsaKey, object{"use": nil}, "", false},
		{"key_ops verify", ec, object{"key_ops": []string{"verify"}}, "", false},
		{"certificates beside", rsaKey, object{"x5c": []string{"MIIx"}, "x5t": "a"}, "", false},
		{"unknown members", ec, object{"ext": true, "x": ec.jwk["x"]}, "", false},

		{"use enc", rsaKey, object{"use": "enc"}, "not a key for signatures", false},
		{"key_ops sign", ec, object{"key_ops": []string{"sign"}}, "not a key for signatures", false},
		{"key_ops text", ec, object{"key_ops": "['verify']"}, "not an array", true},
		{"secp256k1", ec, object{"crv": "secp256k1"}, "not a key for signatures", false},
		{"X25519", ed, object{"crv": "X25519"}, "not a key for signatures", false},
		{"post-quantum", ed, object{"kty": "AKP"}, "not a key for signatures", false},
		{"no kid", rsaKey, object{"kid": nil}, "no kid", true},
		{"long kid", rsaKey, object{"kid": strings.Repeat("k", 257)}, "kid has more", true},
		{"kid is a number", rsaKey, object{"kid": 1}, "not a string", true},
		{"symmetric", rsaKey, object{"kty": "oct", "k": "AAAA"}, "symmetric key", true},
		{"private part", rsaKey, object{"d": "AQAB"}, "private part", true},
		{"alg of another kind", rsaKey, object{"alg": "ES256"}, "not one of its kind", true},
		{"alg of another curve", ec, object{"alg": "ES384"}, "not one of its kind", true},
		{"alg HS256", rsaKey, object{"alg": "HS256"}, "not one of its kind", true},
		{"alg for encryption", rsaKey, object{"alg": "RSA-OAEP"}, "not one of its kind", true},
		{"1024 bits", rsaKey, object{"n": b64(new(big.Int).Rsh(n, 1024).Bytes())}, "1024 bits", true},
		{"2047 bits", rsaKey, object{"n": b64(new(big.Int).Rsh(n, 1).Bytes())}, "2047 bits", true},
		{"8193 bits", rsaKey, object{"n": b64(shifted(8193 - 2048).Bytes())}, "8193 bits", true},
		{"even modulus", rsaKey, object{"n": b64(new(big.Int).SetBit(n, 0, 0).Bytes())}, "even", true},
		{"divisible by 3", rsaKey, object{"n": b64(multipleOf3(n).Bytes())}, "divisible by 3", true},
		{"exponent 1", rsaKey, object{"e": "AQ"}, "exponent", true},
		{"exponent 3", rsaKey, object{"e": "Aw"}, "exponent", true},
		{"even exponent", rsaKey, object{"e": "AQAA"}, "exponent", true},
		{"large exponent", rsaKey, object{"e": "AQAAAAE"}, "exponent", true},
		{"no modulus", rsaKey, object{"n": nil}, `"n" is missing`, true},
		{"padded modulus", rsaKey, object{"n": rsaKey.jwk["n"].(string) + "="}, `"n"`, true},
		{"point off the curve", ec, object{"y": ec.jwk["x"]}, "point", true},
		{"point of another curve", ec, object{"crv": "P-384"}, "48 bytes", true},
		{"leading zero", ec, object{"x": "AAAA" + ec.jwk["x"].(string)}, `32 bytes`, true},
		{"short Ed25519", ed, object{"x": "AAAA"}, "32 bytes", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			jwk := merge(c.base.jwk, c.change)
			set, problems, err := ParseKeySet(encode(t, object{"keys": []any{jwk}}))
			if err != nil {
				t.Fatal(err)
			}
			if c.reason == "" {
				if set.Len() != 1 || len(problems) != 0 {
					t.Errorf("not used: %v", problems)
				}
				return
			}
			if set.Len() != 0 || len(problems) != 1 {
				t.Fatalf("%d keys are used, problems %v", set.Len(), problems)
			}
			if !strings.Contains(problems[0].Reason, c.reason) || problems[0].Alarm != c.alarm {
				t.Errorf("got %+v, want %q and alarm %v", problems[0], c.reason, c.alarm)
			}
		})
	}
}

// multipleOf3 keeps n's length and stays odd.
func multipleOf3(n *big.Int) *big.Int {
	m := new(big.Int).Sub(n, big.NewInt(12))
	for new(big.Int).Mod(m, big.NewInt(3)).Sign() != 0 {
		m.Add(m, big.NewInt(2))
	}
	return m
}

// TestFaultyGenerator builds moduli as the faulty generator does and looks
// for them; honest ones pass above.
func TestFaultyGenerator(t *testing.T) {
	m := big.NewInt(2)
	for _, p := range smallPrimes() {
		m.Mul(m, big.NewInt(p))
	}
	g := big.NewInt(65537)
	for i := range int64(8) {
		p := new(big.Int).Exp(g, big.NewInt(1000+i), m)
		q := new(big.Int).Exp(g, big.NewInt(77+31*i), m)
		k := new(big.Int).Lsh(big.NewInt(2*i+3), 1100)
		n := new(big.Int).Mul(p.Add(p, new(big.Int).Mul(k, m)), q.Add(q, new(big.Int).Mul(k, m)))
		if err := checkModulus(n); err == nil || !strings.Contains(err.Error(), "CVE-2017-15361") {
			t.Errorf("a faulty modulus of %d bits: %v", n.BitLen(), err)
		}
	}
}

func TestDuplicateKeyIDs(t *testing.T) {
	a, b, c := newKey(t, "same", "ES256"), newKey(t, "same", "RS256"), newKey(t, "own", "ES256")
	enc := maps.Clone(b.jwk)
	enc["use"], enc["kid"] = "enc", "own"
	set, problems, err := ParseKeySet(encode(t, object{"keys": []any{a.jwk, b.jwk, c.jwk, enc}}))
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 1 || set.find("own") == nil {
		t.Errorf("%d keys are used", set.Len())
	}
	if !slices.ContainsFunc(problems, func(p KeyProblem) bool { return p.KeyID == "same" && p.Alarm }) {
		t.Errorf("problems: %v", problems)
	}
	// Three of them do not come back either.
	set, _, err = ParseKeySet(encode(t, object{"keys": []any{a.jwk, b.jwk, a.jwk}}))
	if err != nil || set.Len() != 0 {
		t.Errorf("%d keys are used, %v", set.Len(), err)
	}
}

func TestNotAKeySet(t *testing.T) {
	for _, src := range []string{
		"", "[]", "null", "{}", `{"keys":{}}`, `{"keys":[]} x`, `{"keys":[],"keys":[]}`, "<html>",
		`{"keys":[{"kid":"a","kid":"b"}]}`, strings.Repeat(`{"keys":`, 50),
	} {
		if set, _, err := ParseKeySet([]byte(src)); err == nil {
			t.Errorf("%.40q is a set of %d keys", src, set.Len())
		}
	}
	set, problems, err := ParseKeySet([]byte(`{"keys":[1,null,"x",[]],"more":1}`))
	if err != nil || set.Len() != 0 || len(problems) == 0 {
		t.Errorf("%v %v", problems, err)
	}
}
