package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloister-ai/cloister/internal/site"
)

// bubble runs f with a clock that only moves while everybody waits, and a
// verifier that has fetched once.
func bubble(t *testing.T, f func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey)) {
	k := newKey(t, "k1", "EdDSA")
	synctest.Test(t, func(t *testing.T) {
		iss := &fakeIssuer{}
		iss.publish(k)
		v := newVerifier(t, iss, testConfig(), Options{})
		defer v.Close()
		synctest.Wait()
		if n := iss.count(); n != 1 {
			t.Fatalf("%d fetches at the start, want 1", n)
		}
		f(t, v, iss, k)
	})
}

func TestRotation(t *testing.T) {
	k2, k3 := newKey(t, "k2", "EdDSA"), newKey(t, "k3", "EdDSA")
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		old := k.token(t, time.Now(), nil, nil)
		wantGood(t, v, old)
		// A new key is found by its first token, right after the start.
		iss.publish(k, k2)
		wantGood(t, v, k2.token(t, time.Now(), nil, nil))
		wantGood(t, v, old)
		// The next within the minute has to wait for it.
		iss.publish(k2, k3)
		wantCode(t, v, k3.token(t, time.Now(), nil, nil), KeyUnknown)
		wantGood(t, v, old)
		time.Sleep(time.Minute)
		wantGood(t, v, k3.token(t, time.Now(), nil, nil))
		// The set no longer has k: its tokens end, remembered or not.
		wantCode(t, v, old, KeyUnknown)
	})
}

func TestRemovedKeyEndsWithoutAnyToken(t *testing.T) {
	k2 := newKey(t, "k2", "EdDSA")
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		raw := k.token(t, time.Now(), nil, object{"exp": time.Now().Add(20 * time.Hour).Unix()})
		wantGood(t, v, raw)
		iss.publish(k2)
		time.Sleep(time.Hour + time.Second) // the refresh that nobody asks for
		wantCode(t, v, raw, KeyUnknown)
		// All withdrawn is withdrawn too.
		iss.publish()
		raw = k2.token(t, time.Now(), nil, nil)
		wantGood(t, v, raw)
		time.Sleep(time.Hour + time.Second)
		wantCode(t, v, raw, KeyUnknown)
	})
}

func TestReplacedKeyOfTheSameID(t *testing.T) {
	again := newKey(t, "k1", "EdDSA")
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		raw := k.token(t, time.Now(), nil, object{"exp": time.Now().Add(20 * time.Hour).Unix()})
		wantGood(t, v, raw)
		iss.publish(again)
		time.Sleep(time.Hour + time.Second)
		wantCode(t, v, raw, SignatureInvalid)
	})
}

// TestMadeUpKeyIDs is row 18: 10,000 bogus ids, one fetch a minute.
func TestMadeUpKeyIDs(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		const minutes, each = 5, 2000
		good := k.token(t, time.Now(), nil, nil)
		for m := range minutes {
			before := iss.count()
			for i := range each {
				raw := k.token(t, time.Now(), object{"kid": fmt.Sprintf("bogus-%d-%d", m, i)}, nil)
				wantCode(t, v, raw, KeyUnknown)
			}
			if n := iss.count() - before; n > 1 {
				t.Errorf("minute %d: %d fetches", m, n)
			}
			wantGood(t, v, good)
			time.Sleep(time.Minute)
		}
		if n := iss.count(); n > 1+minutes {
			t.Errorf("%d fetches in %d minutes", n, minutes)
		}
	})
}

func TestUnknownKeyIDIsRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		ask := func() { wantCode(t, v, k.token(t, time.Now(), object{"kid": "bogus"}, nil), KeyUnknown) }
		ask()
		for range 4 {
			time.Sleep(time.Minute)
			ask()
		}
		if n := iss.count(); n != 2 {
			t.Errorf("one id caused %d fetches in 4 minutes, want 1", n-1)
		}
		time.Sleep(time.Minute)
		ask()
		if n := iss.count(); n != 3 {
			t.Errorf("%d fetches after 5 minutes, want 2", n-1)
		}
	})
}

func TestMemoryOfUnknownIDsIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		iss.set(func() { iss.wait = time.Second })
		var all sync.WaitGroup
		for i := range 2 * maxUnknown {
			raw := k.token(t, time.Now(), object{"kid": fmt.Sprint(i)}, nil)
			all.Go(func() { wantCode(t, v, raw, KeyUnknown) })
		}
		all.Wait()
		if n := len(v.issuers[testIssuer].remote.unknown); n > maxUnknown {
			t.Errorf("%d ids are remembered", n)
		}
		if n := iss.count(); n != 2 {
			t.Errorf("%d fetches for requests at one time, want 1", n-1)
		}
	})
}

func TestRequestsWaitForTheFirstFetch(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	synctest.Test(t, func(t *testing.T) {
		iss := &fakeIssuer{wait: 2 * time.Second}
		iss.publish(k)
		v := newVerifier(t, iss, testConfig(), Options{})
		defer v.Close()
		start := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { wantGood(t, v, k.token(t, start, nil, nil)) })
		}
		// Who does not wait that long gets an answer, and harms nobody.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := v.Verify(ctx, k.token(t, start, nil, object{"sub": "hasty"}))
		var e *Error
		if !errors.As(err, &e) || e.Code != KeysUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		all.Wait()
		if n := iss.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestIssuerThatIsDownAtTheStart(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		iss := &fakeIssuer{err: errors.New("connection refused")}
		iss.publish(k)
		v := newVerifier(t, iss, testConfig(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		defer v.Close()
		wantCode(t, v, k.token(t, time.Now(), nil, nil), KeysUnavailable)
		time.Sleep(time.Minute)
		n := iss.count()
		if n > 10 {
			t.Errorf("%d attempts in the first minute", n)
		}
		for range 1000 {
			wantCode(t, v, k.token(t, time.Now(), nil, nil), KeysUnavailable)
		}
		if got := iss.count() - n; got > 1 {
			t.Errorf("1000 requests caused %d attempts", got)
		}
		iss.set(func() { iss.err = nil })
		time.Sleep(time.Minute)
		wantGood(t, v, k.token(t, time.Now(), nil, nil)) // nobody had to ask
		if !strings.Contains(log.String(), "connection refused") {
			t.Errorf("the log does not say why: %s", log.String())
		}
		if st := v.Status(); len(st) != 1 || st[0].Keys != 1 || st[0].Err != nil {
			t.Errorf("status: %+v", st)
		}
	})
}

func TestStaleKeys(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		long := func() string {
			return k.token(t, time.Now(), nil, object{"exp": time.Now().Add(23 * time.Hour).Unix()})
		}
		iss.set(func() { iss.status = http.StatusInternalServerError })
		time.Sleep(24*time.Hour - time.Minute)
		raw := long()
		wantGood(t, v, raw) // stale while the issuer fails
		if st := v.Status(); st[0].Err == nil || st[0].Keys != 1 {
			t.Errorf("status: %+v", st)
		}
		time.Sleep(2 * time.Minute)
		wantCode(t, v, raw, KeysUnavailable) // but not for ever, remembered or not
		iss.set(func() { iss.status = 0 })
		time.Sleep(time.Minute)
		wantGood(t, v, raw)
	})
}

func TestAnswersThatAreNoKeySet(t *testing.T) {
	for name, change := range map[string]func(*fakeIssuer){
		"not found":  func(f *fakeIssuer) { f.status = http.StatusNotFound },
		"a redirect": func(f *fakeIssuer) { f.status, f.header = 302, http.Header{"Location": {"https://evil.example/keys"}} },
		"too large": func(f *fakeIssuer) {
			f.body = append([]byte(`{"keys":[]}`), bytes.Repeat([]byte(" "), maxKeySetSize)...)
		},
		"not JSON":           func(f *fakeIssuer) { f.body = []byte("<html>") },
		"metadata too large": func(f *fakeIssuer) { f.metadata = append([]byte(`{`), bytes.Repeat([]byte(" "), maxMetadata)...) },
		"metadata of another": func(f *fakeIssuer) {
			f.metadata = []byte(`{"issuer":"https://evil.example","jwks_uri":"https://login.example/keys"}`)
		},
		"metadata without keys": func(f *fakeIssuer) { f.metadata = []byte(`{"issuer":"` + testIssuer + `"}`) },
		"keys over http": func(f *fakeIssuer) {
			f.metadata = []byte(`{"issuer":"` + testIssuer + `","jwks_uri":"http://login.example/keys"}`)
		},
		"keys in a file": func(f *fakeIssuer) {
			f.metadata = []byte(`{"issuer":"` + testIssuer + `","jwks_uri":"file:///etc/keys"}`)
		},
		"slower than the limit": func(f *fakeIssuer) { f.wait = fetchTimeout },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
				iss.set(func() { change(iss) })
				before := len(iss.paths)
				wantCode(t, v, k.token(t, time.Now(), object{"kid": "k2"}, nil), KeyUnknown)
				if st := v.Status(); st[0].Err == nil {
					t.Error("the fetch did not fail")
				}
				wantGood(t, v, k.token(t, time.Now(), nil, nil)) // the old set stays
				for _, p := range iss.paths[before:] {
					if strings.Contains(p, "evil") || !strings.HasPrefix(p, "https://") {
						t.Errorf("asked %s", p)
					}
				}
			})
		})
	}
}

func TestWhereKeysAreFetched(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	for name, c := range map[string]struct {
		change func(*site.Issuer)
		want   string
	}{
		"by the issuer":    {func(*site.Issuer) {}, testIssuer + "/.well-known/openid-configuration https://login.example/keys"},
		"by metadata":      {func(i *site.Issuer) { i.Metadata = "https://m.example/openid-configuration" }, "https://m.example/openid-configuration https://login.example/keys"},
		"by jwksUri":       {func(i *site.Issuer) { i.JWKSURI, i.Metadata = "https://k.example/jwks", "https://m.example" }, "https://k.example/jwks"},
		"slash at its end": {func(i *site.Issuer) { i.Issuer = "https://sts.example/t/" }, "https://sts.example/t/.well-known/openid-configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeIssuer{}
				f.publish(k)
				cfg := testConfig()
				c.change(&cfg.Issuers[0])
				newVerifier(t, f, cfg, Options{})
				synctest.Wait()
				if got := strings.Join(f.paths[:min(2, len(f.paths))], " "); got != c.want {
					t.Errorf("asked %s", got)
				}
			})
		})
	}
}

// TestReloadKeepsKeys: a new configuration neither waits for the issuer nor
// needs it.
func TestReloadKeepsKeys(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		raw := k.token(t, time.Now(), nil, object{"exp": time.Now().Add(20 * time.Hour).Unix()})
		iss.set(func() { iss.err = errors.New("down") })
		time.Sleep(10 * time.Minute)
		next := newVerifier(t, iss, testConfig(), Options{Previous: v})
		v.Close()
		synctest.Wait()
		if n := iss.count(); n != 1 {
			t.Errorf("the reload fetched %d times", n-1)
		}
		wantGood(t, next, raw)
		time.Sleep(time.Hour)
		if n := iss.count(); n < 2 {
			t.Error("the refresh did not go on")
		}
		changed := testConfig()
		changed.Issuers[0].JWKSURI = "https://other.example/keys"
		fresh := newVerifier(t, iss, changed, Options{Previous: next})
		wantCode(t, fresh, raw, KeysUnavailable)
		next.Close()
		fresh.Close()
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, v *TokenVerifier, iss *fakeIssuer, k *testKey) {
		iss.set(func() { iss.wait = time.Minute })
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantCode(t, v, k.token(t, time.Now(), object{"kid": "k2"}, nil), KeyUnknown)
		}()
		synctest.Wait()
		start := time.Now()
		v.Close() // cuts the fetch, and lets those go who wait for it
		<-done
		v.Close()
		wantGood(t, v, k.token(t, time.Now(), nil, nil))
		wantCode(t, v, k.token(t, time.Now(), object{"kid": "k3"}, nil), KeyUnknown)
		if d := time.Since(start); d != 0 {
			t.Errorf("closing took %s", d)
		}
	})
}

func TestCache(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	synctest.Test(t, func(t *testing.T) {
		f := &fakeIssuer{}
		f.publish(k)
		v := newVerifier(t, f, testConfig(), Options{CacheSize: 3})
		defer v.Close()
		token := func(sub string) string { return k.token(t, time.Now(), nil, object{"sub": sub}) }
		raw := token("a")
		first := wantGood(t, v, raw)
		if wantGood(t, v, raw) != first {
			t.Error("the second look verified again")
		}
		for _, sub := range []string{"b", "c", "d", "e"} {
			wantGood(t, v, token(sub))
			wantGood(t, v, raw) // what is used stays
		}
		if n := v.cache.len(); n != 3 {
			t.Errorf("%d tokens are remembered, want 3", n)
		}
		if wantGood(t, v, raw) != first {
			t.Error("the token in use was forgotten")
		}
		time.Sleep(time.Hour + 30*time.Second) // past exp, within the skew
		if wantGood(t, v, raw) == first {
			t.Error("the token outlived its exp in the cache")
		}
		time.Sleep(30 * time.Second)
		wantCode(t, v, raw, Expired)
	})
}
