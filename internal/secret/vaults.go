package secret

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// Bounds of asking a vault.
const (
	// vaultTimeout bounds one question, retries and tokens included.
	vaultTimeout = 10 * time.Second
	// failureHold is how long a failure is answered from memory, so that a load
	// with many references to a vault that is down does not wait for each.
	failureHold = 15 * time.Second
)

// VaultReader reads secrets by their identifiers: [*Vaults], or [*Unread] where
// nothing may be connected to. It answers within 10 s; its errors are [*Error].
type VaultReader interface {
	ReadSecret(ctx context.Context, identifier string) (Value, error)
}

// VaultOptions are what [NewVaults] takes from its surroundings.
type VaultOptions struct {
	// Client reaches the vaults: the egress dialer's, in class secret, with the
	// site's CAs. Its redirects are not followed, whatever it says. Required.
	Client *http.Client
	// Credential is what is shown to them: see [TokenCredential]. Required.
	Credential azcore.TokenCredential
	// Development takes any challenge from a vault on a loopback address, which
	// has no domain of its own. From all others a challenge has to be for the
	// domain that the vault's name ends in.
	Development bool
	// Now is the wall clock, against which expiry is held; nil: time.Now.
	Now func() time.Time
	// Rand makes content keys; nil: crypto/rand.
	Rand io.Reader
	// Log gets changed secrets and failures to look; nil: nothing is logged.
	Log *slog.Logger
}

// Vaults reads Azure Key Vaults for one load of a site: a secret that was read
// once keeps its value, so that all parts of a load see the same. Each load
// makes its own. It is safe for concurrent use.
type Vaults struct {
	opt     VaultOptions
	options azcore.ClientOptions

	mu    sync.Mutex // guards the rest
	reads map[VaultObject]*vaultRead
	// down are vaults that failed as a whole.
	down          map[string]held
	secretClients map[string]*azsecrets.Client
	keyClients    map[string]*azkeys.Client
}

// held is a failure that is answered from memory.
type held struct {
	fault *vaultFault
	until time.Time
}

// NewVaults connects to nothing.
func NewVaults(opt VaultOptions) *Vaults {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Rand = cmp.Or(opt.Rand, rand.Reader)
	opt.Credential = quietCredential{opt.Credential}
	return &Vaults{
		opt: opt,
		options: azcore.ClientOptions{
			Transport: newTransport(opt.Client, opt.Development),
			Retry:     retries(),
			Telemetry: policy.TelemetryOptions{Disabled: true},
		},
		reads: map[VaultObject]*vaultRead{}, down: map[string]held{},
		secretClients: map[string]*azsecrets.Client{}, keyClients: map[string]*azkeys.Client{},
	}
}

// secretClient is the SDK's client of a vault. Challenges are verified by the
// SDK too, but not for loopback in development, see [transport.checkChallenge].
func (v *Vaults) secretClient(vault string) (*azsecrets.Client, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.secretClients[vault]; c != nil {
		return c, nil
	}
	c, err := azsecrets.NewClient(vault, v.opt.Credential, &azsecrets.ClientOptions{
		ClientOptions: v.options, DisableChallengeResourceVerification: v.opt.Development,
	})
	if err == nil {
		v.secretClients[vault] = c
	}
	return c, err
}

func (v *Vaults) keyClient(vault string) (*azkeys.Client, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.keyClients[vault]; c != nil {
		return c, nil
	}
	c, err := azkeys.NewClient(vault, v.opt.Credential, &azkeys.ClientOptions{
		ClientOptions: v.options, DisableChallengeResourceVerification: v.opt.Development,
	})
	if err == nil {
		v.keyClients[vault] = c
	}
	return c, err
}

// hold remembers a failure of a whole vault.
func (v *Vaults) hold(vault string, f *vaultFault) {
	if !f.wide() {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down[vault] = held{f, v.opt.Now().Add(failureHold)}
}

// holding is the failure of a vault that still counts; nil: there is none.
func (v *Vaults) holding(vault string) *vaultFault {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h, ok := v.down[vault]; ok && v.opt.Now().Before(h.until) {
		return h.fault
	}
	return nil
}
