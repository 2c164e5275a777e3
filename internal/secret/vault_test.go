package secret_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
	"github.com/cloister-ai/cloister/internal/site"
)

// read resolves a reference as a load does.
func read(v secret.VaultReader, identifier string) (string, error) {
	got, err := secret.Resolve(&site.SecretRef{KeyVault: identifier}, secret.Env{KeyVault: v})
	return got.Reveal(), err
}

func TestVaultSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		first := v.SetSecret("openai-key", "first-value", emulator.VaultAttributes{})
		v.SetSecret("openai-key", hidden+"\n", emulator.VaultAttributes{})
		c := &credential{}
		vaults := v.open(func(o *secret.VaultOptions) { o.Credential = c })
		for ref, want := range map[string]string{
			vaultURL + "/secrets/openai-key":                hidden,
			"https://KV.Vault.Azure.net/secrets/openai-key": hidden,
			first: "first-value",
			strings.Replace(first, "azure.net/", "azure.NET/", 1): "first-value",
		} {
			if got, err := read(vaults, ref); got != want {
				t.Errorf("%s: %q, %v", ref, got, err)
			}
		}
		if n := v.Requests(); n != 3 { // a challenge and two secrets
			t.Errorf("%d requests for two secrets", n)
		}
		if got := fmt.Sprint(c.scopes); got != "[https://vault.azure.net/.default]" {
			t.Errorf("tokens were asked for %s", got)
		}
	})
}

// TestVaultReadOnce: a load sees one value, however many ask, and however the
// vault changes meanwhile.
func TestVaultReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetSecret("k", "before", emulator.VaultAttributes{})
		v.SetDelay(time.Second)
		vaults := v.open()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if got, err := read(vaults, vaultURL+"/secrets/k"); got != "before" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		wg.Wait()
		v.SetSecret("k", "after", emulator.VaultAttributes{})
		if got, _ := read(vaults, vaultURL+"/secrets/k"); got != "before" {
			t.Errorf("within one load the value became %q", got)
		}
		if n := v.Requests(); n != 2 {
			t.Errorf("%d requests for 51 callers", n)
		}
		if got, _ := read(v.open(), vaultURL+"/secrets/k"); got != "after" {
			t.Errorf("the next load has %q", got)
		}
	})
}

// TestVaultRefuses: each way in which a vault does not give a secret, in words
// that say what to do, and never with the secret.
func TestVaultRefuses(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Now().Add(d) }
	for _, c := range []struct {
		name    string
		prepare func(*testing.T, *vault)
		want    []string
		// gone: it may be gone when asked again.
		gone bool
	}{
		{name: "missing", prepare: func(_ *testing.T, v *vault) {},
			want: []string{"there is no such secret", "SecretNotFound"}},
		{name: "deleted", prepare: func(t *testing.T, v *vault) {
			v.SetSecret("k", hidden, emulator.VaultAttributes{})
			if err := v.DeleteSecret("k", true); err != nil {
				t.Error(err)
			}
		}, want: []string{"not found until it is recovered"}},
		{name: "disabled", prepare: func(_ *testing.T, v *vault) { v.SetSecret("k", hidden, emulator.VaultAttributes{Disabled: true}) },
			want: []string{"the secret is disabled", "SecretDisabled", "--enabled true"}},
		{name: "expired", prepare: func(_ *testing.T, v *vault) { v.SetSecret("k", hidden, emulator.VaultAttributes{Expires: at(0)}) },
			want: []string{"it expired at ", "new version"}},
		{name: "not yet", prepare: func(_ *testing.T, v *vault) {
			v.SetSecret("k", hidden, emulator.VaultAttributes{NotBefore: at(time.Hour)})
		}, want: []string{"not valid before"}},
		{name: "empty", prepare: func(_ *testing.T, v *vault) { v.SetSecret("k", "\n", emulator.VaultAttributes{}) },
			want: []string{"it is empty"}},
		{name: "role", prepare: func(_ *testing.T, v *vault) {
			v.SetSecret("k", hidden, emulator.VaultAttributes{})
			v.allow = func(action string) bool { return action != "secrets/get" }
		}, want: []string{"may not use it (ForbiddenByRbac)", `role "Key Vault Secrets User"`}},
		{name: "firewall", prepare: forbid("ForbiddenByFirewall"), want: []string{"network rules"}},
		{name: "private only", prepare: forbid("ForbiddenByConnection"), want: []string{"private endpoint"}},
		{name: "policy", prepare: forbid("ForbiddenByPolicy"), want: []string{"access policies"}},
		{name: "outage", prepare: func(_ *testing.T, v *vault) { v.SetOutage(true) }, want: []string{"status 503"}, gone: true},
		{name: "throttled", prepare: func(_ *testing.T, v *vault) { v.Throttle(100, 7*time.Second) },
			want: []string{"throttling, and asks to wait 7 s (Throttled)"}, gone: true},
		{name: "token refused", prepare: func(_ *testing.T, v *vault) {
			v.answer = func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Authorization"); return false }
		}, want: []string{"does not accept the gateway's token"}},
		{name: "redirect", prepare: func(_ *testing.T, v *vault) {
			v.answer = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://elsewhere.vault.azure.net/secrets/k", http.StatusTemporaryRedirect)
				return true
			}
		}, want: []string{"redirect, which is not followed"}},
		{name: "no json", prepare: with(http.StatusOK, hidden), want: []string{"not what a vault answers"}},
		{name: "wrong types", prepare: with(http.StatusOK, `{"value":{"`+hidden+`":1},"id":"`+hidden+`"}`), want: []string{"keyVault"}},
		{name: "no value", prepare: with(http.StatusOK, `{"id":"https://kv.vault.azure.net/secrets/k/00000000000000000000000000000000"}`), want: []string{"not what a vault answers"}},
		{name: "no version", prepare: with(http.StatusOK, `{"value":"`+hidden+`","id":"https://kv.vault.azure.net/secrets/k"}`), want: []string{"not what a vault answers"}},
		{name: "endless", prepare: with(http.StatusOK, strings.Repeat(hidden, 20000)), want: []string{"larger than 262144 bytes"}},
		{name: "odd status", prepare: with(http.StatusTeapot, hidden), want: []string{"status 418"}},
		{name: "odd code", prepare: with(http.StatusForbidden, `{"error":{"code":"`+hidden+` x"}}`), want: []string{"may not use it;"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVault(t)
				c.prepare(t, v)
				got, err := read(v.open(), vaultURL+"/secrets/k")
				var typed *secret.Error
				if !errors.As(err, &typed) || got != "" {
					t.Fatalf("got %d bytes and %v", len(got), err)
				}
				for _, want := range append(c.want, `keyVault "https://kv.vault.azure.net/secrets/k"`) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %q, want %q in it", err, want)
					}
				}
				if errors.Is(err, secret.ErrUnavailable) != c.gone {
					t.Errorf("unavailable: %v: %v", !c.gone, err)
				}
				if all := fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)); strings.Contains(all, hidden) || strings.Contains(all, goodToken) {
					t.Errorf("the error shows what was answered: %s", all)
				}
				for _, host := range v.hosts {
					if host != "kv.vault.azure.net" {
						t.Errorf("asked %s", host)
					}
				}
			})
		})
	}
}

// with answers what is authorised with a body of the test's.
func with(status int, body string) func(*testing.T, *vault) {
	return func(_ *testing.T, v *vault) {
		v.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
}

func forbid(inner string) func(*testing.T, *vault) {
	return with(http.StatusForbidden, `{"error":{"code":"Forbidden","message":"`+hidden+`","innererror":{"code":"`+inner+`"}}}`)
}

// TestVaultChallenges: nobody gets a token by asking for one that is good
// elsewhere, and no challenge ends the process.
func TestVaultChallenges(t *testing.T) {
	for name, c := range map[string]struct{ challenge, want string }{
		"another domain":    {`Bearer authorization="https://login.microsoftonline.com/t", resource="https://cognitiveservices.azure.com"`, "is not the domain of kv.vault.azure.net"},
		"scope counts":      {`Bearer authorization="https://login.microsoftonline.com/t", scope="https://other.example/.default", resource="https://vault.azure.net"`, "is not the domain"},
		"a part of a label": {`Bearer authorization="https://login.microsoftonline.com/t", resource="https://ult.azure.net"`, "is not the domain"},
		"no tenant":         {`Bearer authorization="x", resource="https://vault.azure.net"`, "names no tenant"},
		"no path":           {`Bearer authorization="https://login.microsoftonline.com", resource="https://vault.azure.net"`, "names no tenant"},
		"no resource":       {`Bearer authorization="https://login.microsoftonline.com/t"`, "does not say what for"},
		"not https":         {`Bearer authorization="https://login.microsoftonline.com/t", resource="http://vault.azure.net"`, "does not say what for"},
		"nothing":           {"", "without saying what for"},
		"claims":            {`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common", error="insufficient_claims", claims="e30="`, "log in anew"},
		"basic":             {`Basic realm="x"`, "does not say what for"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVault(t)
				v.answer = func(w http.ResponseWriter, _ *http.Request) bool {
					if c.challenge != "" {
						w.Header().Set("WWW-Authenticate", c.challenge)
					}
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				asked := &credential{}
				_, err := read(v.open(func(o *secret.VaultOptions) { o.Credential = asked }), vaultURL+"/secrets/k")
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if len(asked.scopes) != 0 {
					t.Errorf("a token was asked for, for %v", asked.scopes)
				}
				if len(v.hosts) != 1 {
					t.Errorf("%d requests", len(v.hosts))
				}
			})
		})
	}
}

// source is what acquire's are.
type source struct{ err error }

func (s source) Token(context.Context) (secret.Value, time.Time, error) {
	return secret.New(goodToken), time.Now().Add(time.Hour), s.err
}

func TestTokenCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetSecret("k", "value", emulator.VaultAttributes{})
		for _, c := range []struct {
			name, scope string
			err         error
			want        string
		}{
			{"good", secret.VaultScope, nil, ""},
			{"another cloud's", "https://vault.azure.cn/.default", nil, "the credential is for https://vault.azure.cn/.default"},
			{"none", secret.VaultScope, errors.New("the authority is down"), "there is no token for it: the authority is down; mend: look at keyVault.credential"},
		} {
			got, err := read(v.open(func(o *secret.VaultOptions) {
				o.Credential = secret.TokenCredential(source{c.err}, c.scope)
			}), vaultURL+"/secrets/k")
			if c.want == "" && got != "value" || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: %q, %v", c.name, got, err)
			}
			if c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("%s: the cause is lost in %v", c.name, err)
			}
		}
		// The text of a foreign credential's error may be an authority's answer.
		_, err := read(v.open(func(o *secret.VaultOptions) { o.Credential = &credential{err: errors.New(hidden)} }), vaultURL+"/secrets/k")
		if err == nil || strings.Contains(err.Error(), hidden) || !strings.Contains(err.Error(), "gives no token") {
			t.Errorf("got %v", err)
		}
	})
}

// TestVaultBounds: a question ends in ten seconds, whatever the vault does, and
// a vault that is down costs a load that once, not once for each reference.
func TestVaultBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetDelay(time.Hour)
		vaults := v.open()
		start := time.Now()
		for i := range 20 {
			if _, err := read(vaults, fmt.Sprintf("%s/secrets/k%d", vaultURL, i)); !errors.Is(err, secret.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("20 references to a silent vault took %s", took)
		}
		if n := v.Requests(); n > 3 {
			t.Errorf("%d requests", n)
		}
		// It is asked again when the failure is forgotten, not before.
		v.SetDelay(0)
		v.SetSecret("k0", "value", emulator.VaultAttributes{})
		if _, err := read(vaults, vaultURL+"/secrets/k0"); err == nil {
			t.Error("asked again at once")
		}
		time.Sleep(15 * time.Second)
		if got, err := read(vaults, vaultURL+"/secrets/k0"); got != "value" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestVaultRetries: what passes within the bound is not seen.
func TestVaultRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetSecret("k", "value", emulator.VaultAttributes{})
		v.Throttle(2, time.Second)
		start := time.Now()
		if got, err := read(v.open(), vaultURL+"/secrets/k"); got != "value" {
			t.Errorf("%q, %v", got, err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("Retry-After of 1 s, twice: it took %s", took)
		}
	})
}

func TestVaultCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetSecret("k", "value", emulator.VaultAttributes{})
		v.SetDelay(time.Second)
		vaults := v.open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := vaults.ReadSecret(ctx, vaultURL+"/secrets/k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got, err := read(vaults, vaultURL+"/secrets/k"); got != "value" {
			t.Errorf("who came later: %q, %v", got, err)
		}
	})
}

func TestNoVault(t *testing.T) {
	if _, err := read(nil, vaultURL+"/secrets/k"); err == nil || !strings.Contains(err.Error(), "no vault can be reached") {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"http://kv.vault.azure.net/secrets/k", vaultURL + "/keys/k", "secrets/k"} {
		for _, reader := range []secret.VaultReader{secret.NewUnread(), secret.NewVaults(secret.VaultOptions{Client: &http.Client{}})} {
			var typed *secret.Error
			if _, err := read(reader, id); !errors.As(err, &typed) || !strings.Contains(typed.Mend, "/secrets/NAME") {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}

// TestUnread: placeholders are the same for the same reference and cannot be
// guessed.
func TestUnread(t *testing.T) {
	u, other := secret.NewUnread(), secret.NewUnread()
	a, err := read(u, vaultURL+"/secrets/a")
	if err != nil || len(a) < 32 {
		t.Fatalf("%q, %v", a, err)
	}
	again, _ := read(u, "https://KV.vault.azure.net/secrets/a")
	b, _ := read(u, vaultURL+"/secrets/b")
	elsewhere, _ := read(other, vaultURL+"/secrets/a")
	if again != a || b == a || elsewhere == a {
		t.Errorf("%q, %q, %q, %q", a, again, b, elsewhere)
	}
	if got := fmt.Sprint(u.References()); got != "["+vaultURL+"/secrets/a "+vaultURL+"/secrets/b]" {
		t.Errorf("not looked at: %s", got)
	}
}
