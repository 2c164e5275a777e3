package secret

import (
	"bytes"
	"strings"
	"testing"
)

func sampleEnvelope(t testing.TB) (e *envelope, key, text []byte) {
	t.Helper()
	key = bytes.Repeat([]byte{7}, contentKeySize)
	e = &envelope{KeyID: "key-file:0011223344556677", Algorithm: algDirect}
	// Not random: the processes of a fuzz test have to have the same one.
	if err := e.seal(bytes.NewReader(make([]byte, nonceSize)), key, []byte("content"), []byte("aad")); err != nil {
		t.Fatal(err)
	}
	text, err := e.encode()
	if err != nil {
		t.Fatal(err)
	}
	return e, key, text
}

// TestEnvelopeSpelling: an envelope has one spelling.
func TestEnvelopeSpelling(t *testing.T) {
	_, _, text := sampleEnvelope(t)
	if _, err := parseEnvelope(text); err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for name, other := range map[string]string{
		"newline":       s + "\n",
		"space":         strings.Replace(s, ":", ": ", 1),
		"twice":         strings.Replace(s, `"kid"`, `"kid":"x","kid"`, 1),
		"case":          strings.Replace(s, `"kid"`, `"Kid"`, 1),
		"unknown":       strings.Replace(s, `{`, `{"x":1,`, 1),
		"null":          "null",
		"list":          "[]",
		"later format":  strings.Replace(s, `"cloisterEnvelope":1`, `"cloisterEnvelope":2`, 1),
		"no format":     strings.Replace(s, `"cloisterEnvelope":1,`, "", 1),
		"algorithm":     strings.Replace(s, `"dir"`, `"none"`, 1),
		"vault, no key": strings.Replace(s, `"dir"`, `"RSA-OAEP-256"`, 1),
		"key":           strings.Replace(s, `"nonce"`, `"key":"AAAA","nonce"`, 1),
		"long":          s + strings.Repeat(" ", maxEnvelope),
	} {
		if e, err := parseEnvelope([]byte(other)); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if _, err := parseEnvelope([]byte(strings.Replace(s, `e":1`, `e":2`, 1))); err == nil || !strings.Contains(err.Error(), "its format is 2") {
		t.Errorf("got %v", err)
	}
}

// TestEnvelopeBinds: no field can be moved from one envelope to another, nor a
// part of one field to the next.
func TestEnvelopeBinds(t *testing.T) {
	for name, change := range map[string]func(*envelope) []byte{
		"nothing":   func(*envelope) []byte { return []byte("aad") },
		"aad":       func(*envelope) []byte { return []byte("aae") },
		"no aad":    func(*envelope) []byte { return nil },
		"kid":       func(e *envelope) []byte { e.KeyID += "x"; return []byte("aad") },
		"algorithm": func(e *envelope) []byte { e.Algorithm = algVault; return []byte("aad") },
		"key":       func(e *envelope) []byte { e.Key = []byte("k"); return []byte("aad") },
		"moved":     func(e *envelope) []byte { e.Key = []byte("a"); return []byte("ad") },
		"nonce":     func(e *envelope) []byte { e.Nonce[0] ^= 1; return []byte("aad") },
		"data":      func(e *envelope) []byte { e.Data[0] ^= 1; return []byte("aad") },
		"cut":       func(e *envelope) []byte { e.Data = e.Data[:len(e.Data)-1]; return []byte("aad") },
	} {
		e, key, _ := sampleEnvelope(t)
		got, err := e.open(key, change(e))
		if opens := err == nil; opens != (name == "nothing") || opens && string(got) != "content" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzEnvelope: what is read is what would be written, and does not open.
func FuzzEnvelope(f *testing.F) {
	e, key, text := sampleEnvelope(f)
	f.Add(text)
	f.Add([]byte(`{"cloisterEnvelope":1,"kid":"https://kv/keys/k/` + someVersion + `","alg":"RSA-OAEP-256","key":"AAAA","nonce":"AAAAAAAAAAAAAAAA","data":"AAAAAAAAAAAAAAAAAAAAAA=="}`))
	f.Add([]byte(`{"cloisterEnvelope":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseEnvelope(text)
		if err != nil {
			return
		}
		again, err := got.encode()
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s was read, and is written %s, %v", text, again, err)
		}
		if _, err := got.open(key, []byte("aad")); err == nil && !bytes.Equal(got.Data, e.Data) {
			t.Errorf("%s opens", text)
		}
	})
}
