package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
)

const keyURL = vaultURL + "/keys/state"

func setKey(t *testing.T, v *vault, kind emulator.VaultKeyType, a emulator.VaultAttributes, operations ...string) (version string) {
	t.Helper()
	id, err := v.SetKey("state", kind, a, operations...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(id, keyURL+"/")
}

func openKey(t *testing.T, v *vault, id string) *secret.VaultKey {
	t.Helper()
	k, err := v.open().OpenKey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// header is what an envelope says of itself.
type header struct {
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Key       []byte `json:"key"`
}

func headerOf(t *testing.T, sealed []byte) header {
	t.Helper()
	var h header
	if err := json.Unmarshal(sealed, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestVaultKeyRotates: a key is rotated while it is in use. What was sealed
// before opens, and what is sealed after is the new version's.
func TestVaultKeyRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, ctx := newVault(t), t.Context()
		first := setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
		k := openKey(t, v, keyURL)
		text, aad := []byte(hidden), []byte("keyring")
		before, err := k.Wrap(ctx, text, aad)
		if err != nil {
			t.Fatal(err)
		}
		if h := headerOf(t, before); h.KeyID != keyURL+"/"+first || h.Algorithm != "RSA-OAEP-256" || len(h.Key) != 256 {
			t.Errorf("sealed as %+v", h)
		}
		if bytes.Contains(before, text) {
			t.Error("the text is in clear")
		}
		if needs, err := k.NeedsRewrap(ctx, before); needs || err != nil {
			t.Errorf("before the rotation: %v, %v", needs, err)
		}
		second := setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
		if needs, err := k.NeedsRewrap(ctx, before); !needs || err != nil {
			t.Errorf("after the rotation: %v, %v", needs, err)
		}
		if got, err := k.Unwrap(ctx, before, aad); !bytes.Equal(got, text) {
			t.Errorf("what was sealed before: %v", err)
		}
		after, err := k.Wrap(ctx, text, aad)
		if err != nil {
			t.Fatal(err)
		}
		if h := headerOf(t, after); h.KeyID != keyURL+"/"+second {
			t.Errorf("sealed as %+v", h)
		}
		if k.ID() != keyURL || openKey(t, v, keyURL+"/"+first).ID() != keyURL {
			t.Errorf("the id is %s", k.ID())
		}
		// A pinned key seals with its version, and opens with all of them.
		pinned := openKey(t, v, keyURL+"/"+first)
		if got, err := pinned.Unwrap(ctx, after, aad); !bytes.Equal(got, text) {
			t.Errorf("by the pinned key: %v", err)
		}
		if needs, err := pinned.NeedsRewrap(ctx, after); !needs || err != nil {
			t.Errorf("the pinned key: %v, %v", needs, err)
		}
		// The old version is disabled: what it sealed is closed, the rest not.
		if err := v.SetKeyAttributes("state", first, emulator.VaultAttributes{Disabled: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Unwrap(ctx, before, aad); err == nil || !strings.Contains(err.Error(), "the key is disabled (KeyDisabled)") {
			t.Errorf("got %v", err)
		}
		if got, err := k.Unwrap(ctx, after, aad); !bytes.Equal(got, text) {
			t.Errorf("the new version: %v", err)
		}
	})
}

// TestVaultKeySeals: each seal has a key and a nonce of its own, opens under its
// own aad alone, and not when a bit of it is another.
func TestVaultKeySeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, ctx := newVault(t), t.Context()
		setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
		k := openKey(t, v, keyURL)
		a, err := k.Wrap(ctx, []byte(hidden), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.Wrap(ctx, []byte(hidden), nil)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) {
			t.Error("two seals are the same")
		}
		if _, err := k.Unwrap(ctx, a, []byte("elsewhere")); err == nil || !strings.Contains(err.Error(), "it does not open") {
			t.Errorf("under another aad: %v", err)
		}
		// The content key of one with the data of the other.
		var x, y map[string]any
		_ = json.Unmarshal(a, &x)
		_ = json.Unmarshal(b, &y)
		mixed := strings.Replace(string(a), x["key"].(string), y["key"].(string), 1)
		if _, err := k.Unwrap(ctx, []byte(mixed), nil); err == nil {
			t.Error("a mixture of two opens")
		}
		for i := range a {
			if i%37 != 0 {
				continue // each takes a question to the vault
			}
			bad := bytes.Clone(a)
			bad[i] ^= 1
			if _, err := k.Unwrap(ctx, bad, nil); !errors.As(err, new(*secret.KeyError)) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
		if _, err := k.Wrap(ctx, make([]byte, secret.MaxWrapped+1), nil); err == nil {
			t.Error("there is no bound")
		}
	})
}

// TestVaultKeyBounds: sealing takes ten seconds at most, all its questions
// together, and opening too.
func TestVaultKeyBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
		k := openKey(t, v, keyURL)
		sealed, err := k.Wrap(t.Context(), []byte(hidden), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, act := range map[string]func() error{
			"sealing": func() error { _, err := k.Wrap(t.Context(), []byte(hidden), nil); return err },
			"opening": func() error { _, err := k.Unwrap(t.Context(), sealed, nil); return err },
			"looking": func() error { _, err := k.NeedsRewrap(t.Context(), sealed); return err },
		} {
			for _, delay := range []time.Duration{3500 * time.Millisecond, time.Hour} {
				v.SetDelay(delay)
				start := time.Now()
				err := act()
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("%s with a vault that takes %s: %s", name, delay, took)
				}
				if delay == time.Hour && !errors.Is(err, secret.ErrUnavailable) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

func TestVaultKeyRefuses(t *testing.T) {
	allow := func(not string) func(string) bool { return func(action string) bool { return action != not } }
	for _, c := range []struct {
		name    string
		prepare func(*testing.T, *vault)
		want    []string
	}{
		{"missing", func(*testing.T, *vault) {}, []string{"there is no such key", "KeyNotFound"}},
		{"deleted", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
			_ = v.DeleteKey("state", true)
		}, []string{"not found until it is recovered"}},
		{"type", func(t *testing.T, v *vault) { setKey(t, v, emulator.VaultEC, emulator.VaultAttributes{}) },
			[]string{`of type "EC"`, "--kty RSA"}},
		{"operations", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{}, "encrypt", "wrapKey")
		}, []string{"may not be used for unwrapKey", "--ops wrapKey unwrapKey"}},
		{"disabled", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{Disabled: true})
		},
			[]string{"is disabled", "--enabled true"}},
		{"expired", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{Expires: time.Now()})
		}, []string{"it expired at", "az keyvault key rotate"}},
		{"may not read", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
			v.allow = allow("keys/read")
		}, []string{"may not use it", `"Key Vault Crypto Service Encryption User"`}},
		{"may not wrap", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
			v.allow = allow("keys/wrap")
		}, []string{"sealing with", "may not use it"}},
		// Found before anybody relies on what was sealed.
		{"may not unwrap", func(t *testing.T, v *vault) {
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
			v.allow = allow("keys/unwrap")
		}, []string{"may not use it (ForbiddenByRbac)"}},
		{"outage", func(_ *testing.T, v *vault) { v.SetOutage(true) }, []string{"status 503"}},
		{"silence", func(_ *testing.T, v *vault) { v.SetDelay(time.Hour) }, []string{"no answer in time"}},
		{"small", with(http.StatusOK, `{"key":{"kid":"`+keyURL+`/00000000000000000000000000000000","kty":"RSA","key_ops":["wrapKey","unwrapKey"],"n":"AQAB","e":"AQAB"}}`),
			[]string{"it has 24 bits"}},
		{"another key", with(http.StatusOK, `{"key":{"kid":"`+vaultURL+`/keys/other/00000000000000000000000000000000","kty":"RSA"}}`),
			[]string{"not what a vault answers"}},
		{"no key", with(http.StatusOK, `{}`), []string{"not what a vault answers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVault(t)
				c.prepare(t, v)
				start := time.Now()
				k, err := v.open().OpenKey(t.Context(), keyURL)
				if err == nil {
					_, err = k.Wrap(t.Context(), []byte(hidden), nil)
				}
				var typed *secret.KeyError
				if !errors.As(err, &typed) {
					t.Fatalf("got %v", err)
				}
				for _, want := range append(c.want, "key-encryption key "+keyURL) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %q, want %q in it", err, want)
					}
				}
				if strings.Contains(fmt.Sprintf("%+v", err), hidden) {
					t.Errorf("the error shows what was to be sealed: %v", err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// lying answers an operation with a body of the test's, and all else truly.
func lying(v *vault, operation, body string) {
	v.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, operation) || r.Header.Get("Authorization") == "" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
		return true
	}
}

// TestVaultKeyLies: a vault that does not do what it says is found before
// anybody relies on it.
func TestVaultKeyLies(t *testing.T) {
	for name, c := range map[string]struct{ operation, body string }{
		"wraps nothing":      {"/wrapkey", `{"kid":"x","value":""}`},
		"wraps to something": {"/wrapkey", `{"kid":"x","value":"AAAA"}`},
		"unwraps short":      {"/unwrapkey", `{"kid":"x","value":"AAAA"}`},
		"unwraps another":    {"/unwrapkey", `{"kid":"x","value":"` + strings.Repeat("A", 43) + `"}`},
		"wraps too much":     {"/wrapkey", `{"kid":"x","value":"` + strings.Repeat("AAAA", 1000) + `"}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := newVault(t)
			setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
			k := openKey(t, v, keyURL)
			lying(v, c.operation, c.body)
			if sealed, err := k.Wrap(t.Context(), []byte(hidden), nil); !errors.As(err, new(*secret.KeyError)) || sealed != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestVaultKeyOfAnother: state of another key is told apart from a damaged one.
func TestVaultKeyOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, ctx := newVault(t), context.Background()
		setKey(t, v, emulator.VaultRSA, emulator.VaultAttributes{})
		if _, err := v.SetKey("other", emulator.VaultRSA, emulator.VaultAttributes{}); err != nil {
			t.Fatal(err)
		}
		sealed, err := openKey(t, v, vaultURL+"/keys/other").Wrap(ctx, []byte(hidden), nil)
		if err != nil {
			t.Fatal(err)
		}
		k := openKey(t, v, keyURL)
		if _, err := k.Unwrap(ctx, sealed, nil); err == nil || !strings.Contains(err.Error(), "sealed by another key") {
			t.Errorf("got %v", err)
		}
		if _, err := k.NeedsRewrap(ctx, sealed); err == nil {
			t.Error("another key's needs no new seal")
		}
		for _, text := range []string{"", "{}", "garbage", string(sealed[:len(sealed)/2])} {
			if _, err := k.Unwrap(ctx, []byte(text), nil); err == nil || !strings.Contains(err.Error(), "not an envelope") {
				t.Errorf("%q: %v", text, err)
			}
		}
		for _, id := range []string{"", vaultURL + "/secrets/x", keyURL + "/latest"} {
			if _, err := v.open().OpenKey(ctx, id); err == nil || !strings.Contains(err.Error(), "/keys/NAME") {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}
