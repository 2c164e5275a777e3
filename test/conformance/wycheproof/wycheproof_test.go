// Package wycheproof_test runs Project Wycheproof's vectors for JSON Web
// Signatures and JSON Web Keys against the token verifier.
//
// Every vector that must be refused is refused. Of those that may or must be
// accepted, [stricter] names each one that Cloister refuses all the same, and
// why; a name too many there fails the test like one that is missing.
package wycheproof_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/cloister-ai/cloister/internal/identity/verify"
)

type file struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Public, Private json.RawMessage
		Tests           []vector
	}
}

type vector struct {
	TcID    int
	Comment string
	JWS     json.RawMessage
	Result  string
}

// Reasons to refuse what the vectors call valid.
const (
	symmetric     = "HMAC: the keys of an issuer are public, so no HS* token is ever accepted"
	es521         = "the key says alg ES521, which is no algorithm of RFC 7518 (P-521 signs by ES512)"
	otherAlg      = "the key says alg PS256 and the token PS384: a key signs by its own alg only"
	lenient64     = "a character outside the base64url alphabet: a token has one spelling"
	signatureFile = "json_web_signature_test.json"
	keyFile       = "json_web_key_test.json"
)

// stricter is, by file and test, what is refused although it is valid.
func stricter() map[string]map[int]string {
	return map[string]map[int]string{
		signatureFile: {
			1: symmetric, 346: otherAlg, 347: es521, 348: symmetric,
			350: otherAlg, 351: es521, 352: symmetric,
			357: symmetric, 358: symmetric, 359: symmetric,
			372: lenient64, 373: lenient64, 376: symmetric, 377: symmetric,
		},
		keyFile: {2: symmetric, 13: symmetric, 14: symmetric, 15: symmetric},
	}
}

func TestSignatures(t *testing.T) { run(t, signatureFile, 401) }

func TestKeys(t *testing.T) { run(t, keyFile, 26) }

func run(t *testing.T, name string, want int) {
	src, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(src, &f); err != nil {
		t.Fatal(err)
	}
	expected, seen := stricter()[name], 0
	for _, g := range f.TestGroups {
		key := g.Public
		if key == nil {
			key = g.Private
		}
		for _, v := range g.Tests {
			seen++
			err := accept(key, v.JWS)
			reason, listed := expected[v.TcID]
			delete(expected, v.TcID)
			id := fmt.Sprintf("%s %d %s/%s", name, v.TcID, g.Comment, v.Comment)
			switch {
			case g.Comment == "base64" && v.Result == "invalid" && !sameAsValid(v.TcID) && !spelling(err):
				// The group's key is symmetric, so it would be refused in any
				// case; what counts is that its spelling is.
				t.Errorf("%s: not refused for its spelling: %v", id, err)
			case v.Result == "invalid" && err == nil:
				t.Errorf("%s: accepted", id)
			case v.Result == "invalid" && listed:
				t.Errorf("%s: is listed as a deviation and is none", id)
			case v.Result != "invalid" && err != nil && !listed:
				t.Errorf("%s: %s, and refused: %v", id, v.Result, err)
			case v.Result != "invalid" && err == nil && listed:
				t.Errorf("%s: accepted, and listed as refused because %s", id, reason)
			}
		}
	}
	if seen != want || f.NumberOfTests != want {
		t.Errorf("%d vectors were run of %d, want %d", seen, f.NumberOfTests, want)
	}
	for id := range expected {
		t.Errorf("%s has no test %d", name, id)
	}
}

// sameAsValid names two vectors of the base64 group whose bytes are those of
// vector 357, which is called valid: nothing is wrong with their spelling.
func sameAsValid(id int) bool { return id == 367 || id == 370 }

// spelling reports whether a token was refused before its header was read.
func spelling(err error) bool {
	var e *verify.Error
	return errors.As(err, &e) && e.Code == verify.EncodingRefused
}

// accept is what the gateway does with a signed token of an issuer that may
// use every algorithm and publishes key, a JWK or a JWK set.
func accept(key, jws json.RawMessage) error {
	if !strings.Contains(string(key), `"keys"`) {
		key = json.RawMessage(`{"keys":[` + string(key) + `]}`)
	}
	set, problems, err := verify.ParseKeySet(key)
	if err != nil {
		return err
	}
	var compact string
	if err := json.Unmarshal(jws, &compact); err != nil {
		// A JWS in JSON serialisation: it would have to come in a header.
		compact = string(jws)
	}
	if _, err = set.VerifyJWS(compact, verify.Algorithms()); err != nil {
		return fmt.Errorf("%w (keys: %v)", err, problems)
	}
	return nil
}
