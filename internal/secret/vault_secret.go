package secret

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// vaultRead is what one question brought. The rest is written before done is
// closed.
type vaultRead struct {
	done    chan struct{}
	value   Value
	version string
	err     *Error
	// until is when a failure is forgotten.
	until time.Time
}

// over reports whether r is a failure that no longer counts.
func (r *vaultRead) over(now time.Time) bool {
	select {
	case <-r.done:
		return r.err != nil && !now.Before(r.until)
	default:
		return false
	}
}

// ReadSecret is the secret that an identifier names, or the failure to read it;
// it takes 10 s at most. Whoever asks while another does waits for the same
// answer. A secret outside its nbf and exp is refused, although vaults give it
// out. The error is an [*Error]; [ErrUnavailable] is in its chain where it may
// be gone when asked again.
func (v *Vaults) ReadSecret(ctx context.Context, identifier string) (Value, error) {
	o, err := ParseVaultID(identifier, KindSecrets)
	if err != nil {
		return Value{}, badIdentifier(identifier, err)
	}
	v.mu.Lock()
	r := v.reads[o]
	if r == nil || r.over(v.opt.Now()) {
		r = &vaultRead{done: make(chan struct{})}
		v.reads[o] = r
		go v.read(o, r)
	}
	v.mu.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
		return Value{}, vaultError(o, asFault(o, ctx.Err()))
	}
	if r.err != nil {
		return Value{}, r.err
	}
	return r.value, nil
}

// read asks and answers all who wait. It belongs to none of them, so none takes
// it away from the others; vaultTimeout ends it.
func (v *Vaults) read(o VaultObject, r *vaultRead) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(context.Background(), vaultTimeout)
	defer cancel()
	var fault *vaultFault
	if fault = v.holding(o.Vault); fault == nil {
		r.value, r.version, fault = v.fetch(ctx, o)
	}
	if fault != nil {
		r.err, r.until = vaultError(o, fault), v.opt.Now().Add(failureHold)
		v.hold(o.Vault, fault)
	}
}

// fetch asks a vault, now.
func (v *Vaults) fetch(ctx context.Context, o VaultObject) (Value, string, *vaultFault) {
	client, err := v.secretClient(o.Vault)
	if err != nil {
		return Value{}, "", &vaultFault{reason: err.Error()}
	}
	got, err := client.GetSecret(ctx, o.Name, o.Version, nil)
	if err != nil {
		return Value{}, "", asFault(o, err)
	}
	if got.ID == nil || got.Value == nil {
		return Value{}, "", &vaultFault{reason: oddAnswer}
	}
	id, err := ParseVaultID(string(*got.ID), KindSecrets)
	if err != nil || !id.Pinned() {
		return Value{}, "", &vaultFault{reason: oddAnswer}
	}
	if a := got.Attributes; a != nil {
		if f := v.window(o, a.NotBefore, a.Expires); f != nil {
			return Value{}, "", f
		}
	}
	return New(*got.Value), id.Version, nil
}

// window holds the clock against nbf and exp.
func (v *Vaults) window(o VaultObject, notBefore, expires *time.Time) *vaultFault {
	now := v.opt.Now()
	switch {
	case expires != nil && !now.Before(*expires):
		return &vaultFault{
			reason: "it expired at " + expires.UTC().Format(time.RFC3339),
			mend:   "make a new version of it in the vault; the one before goes on being used until a reload",
		}
	case notBefore != nil && now.Before(*notBefore):
		return &vaultFault{
			reason: "it is not valid before " + notBefore.UTC().Format(time.RFC3339),
			mend:   "wait, refer to the version before it (" + o.Any().String() + "/VERSION), or look at this machine's clock",
		}
	}
	return nil
}

func vaultPlace(identifier string) string { return fmt.Sprintf("keyVault %q", identifier) }

func vaultError(o VaultObject, f *vaultFault) *Error {
	return &Error{Where: vaultPlace(o.String()), Reason: f.reason, Mend: f.mend, Err: f}
}

// wide reports whether every question to the vault would end so.
func (f *vaultFault) wide() bool {
	return errors.Is(f, ErrUnavailable) || errors.As(f, new(*tokenError)) || f.status == 401
}
