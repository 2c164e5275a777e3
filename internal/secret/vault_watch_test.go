package secret_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloister-ai/cloister/internal/emulator"
	"github.com/cloister-ai/cloister/internal/secret"
)

// TestVaultChanged: a new version is seen, a pinned reference does not move, and
// the values of the load stay.
func TestVaultChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		pinned := v.SetSecret("a", "a-one", emulator.VaultAttributes{})
		v.SetSecret("b", "b-one", emulator.VaultAttributes{})
		v.SetSecret("same", "text", emulator.VaultAttributes{})
		vaults := v.open()
		refs := []string{pinned, vaultURL + "/secrets/a", vaultURL + "/secrets/b", vaultURL + "/secrets/same"}
		for _, ref := range refs {
			if _, err := read(vaults, ref); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := vaults.Changed(t.Context()); len(got) != 0 || err != nil {
			t.Errorf("nothing changed: %v, %v", got, err)
		}
		v.SetSecret("a", "a-two", emulator.VaultAttributes{})
		v.SetSecret("same", "text", emulator.VaultAttributes{})
		for range 2 { // until a new load
			got, err := vaults.Changed(t.Context())
			if want := []string{refs[1], refs[3]}; !slices.Equal(got, want) || err != nil {
				t.Errorf("changed %v, %v", got, err)
			}
		}
		if got, _ := read(vaults, refs[1]); got != "a-one" {
			t.Errorf("within the load: %q", got)
		}
		// One that cannot be looked at hides none of the others.
		v.SetSecret("b", "b-two", emulator.VaultAttributes{Disabled: true})
		got, err := vaults.Changed(t.Context())
		if len(got) != 2 || err == nil || !strings.Contains(err.Error(), "is disabled") {
			t.Errorf("changed %v, %v", got, err)
		}
	})
}

// TestVaultWatch: rotation reaches the gateway within an interval; a load that
// fails is tried again; an outage takes nothing away.
func TestVaultWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		v.SetSecret("k", hidden+"1", emulator.VaultAttributes{})
		vaults := v.open()
		if _, err := read(vaults, vaultURL+"/secrets/k"); err != nil {
			t.Fatal(err)
		}
		type call struct {
			at   time.Duration
			refs string
		}
		var calls []call
		start := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			vaults.Watch(ctx, time.Minute, func(_ context.Context, refs []string) error {
				calls = append(calls, call{time.Since(start).Truncate(time.Minute), fmt.Sprint(refs)})
				if len(calls) == 1 {
					return errors.New("the site is refused")
				}
				stop() // what a new load does
				return nil
			})
		}()
		time.Sleep(2*time.Minute + time.Second)
		v.SetOutage(true)
		v.SetSecret("k", hidden+"2", emulator.VaultAttributes{})
		// Half a minute after a look began, for a look asks several times.
		time.Sleep(2*time.Minute + 30*time.Second)
		v.SetOutage(false)
		<-ended
		want := fmt.Sprint([]call{{5 * time.Minute, "[" + vaultURL + "/secrets/k]"}, {6 * time.Minute, "[" + vaultURL + "/secrets/k]"}})
		if got := fmt.Sprint(calls); got != want {
			t.Errorf("called %s, want %s", got, want)
		}
		log := v.log.String()
		for _, text := range []string{"cannot be looked at", "status 503", "have changed", "the site is refused"} {
			if !strings.Contains(log, text) {
				t.Errorf("%q is not in the log", text)
			}
		}
		if strings.Contains(log, hidden) {
			t.Errorf("the log shows the secret: %s", log)
		}
	})
}

// TestVaultFailureIsChange: a reference that could not be read and can be now is
// a reason to load anew.
func TestVaultFailureIsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		vaults := v.open()
		if _, err := read(vaults, vaultURL+"/secrets/k"); err == nil {
			t.Fatal("there is no such secret")
		}
		v.SetSecret("k", "value", emulator.VaultAttributes{})
		if got, err := vaults.Changed(t.Context()); len(got) != 1 || err != nil {
			t.Errorf("changed %v, %v", got, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := vaults.Changed(ctx); len(got) != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v, %v", got, err)
		}
		var _ secret.VaultReader = vaults
	})
}
