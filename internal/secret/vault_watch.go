package secret

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Changed looks again at the secrets that were read without a version, and
// returns the references whose vault now has another. Their values here stay
// what they were: a load keeps its values, and what changed is taken into use
// by the next load. The error is that of all that could not be looked at.
func (v *Vaults) Changed(ctx context.Context) ([]string, error) {
	var changed []string
	var errs []error
	for _, o := range v.unpinned() {
		if err := ctx.Err(); err != nil {
			return changed, errors.Join(append(errs, err)...)
		}
		differs, fault := v.differs(ctx, o)
		switch {
		case fault != nil:
			errs = append(errs, vaultError(o, fault))
		case differs:
			changed = append(changed, o.String())
		}
	}
	return changed, errors.Join(errs...)
}

// unpinned are the references that may change, in order.
func (v *Vaults) unpinned() []VaultObject {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []VaultObject
	for _, o := range slices.SortedFunc(maps.Keys(v.reads), func(a, b VaultObject) int {
		return slices.Compare([]string{a.Vault, a.Name}, []string{b.Vault, b.Name})
	}) {
		if !o.Pinned() {
			out = append(out, o)
		}
	}
	return out
}

// differs asks for one reference.
func (v *Vaults) differs(ctx context.Context, o VaultObject) (bool, *vaultFault) {
	v.mu.Lock()
	was := v.reads[o]
	v.mu.Unlock()
	select {
	case <-was.done:
	case <-ctx.Done():
		return false, asFault(o, ctx.Err())
	}
	if fault := v.holding(o.Vault); fault != nil {
		return false, fault
	}
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	value, version, fault := v.fetch(ctx, o)
	if fault != nil {
		v.hold(o.Vault, fault)
		return false, fault
	}
	return was.err != nil || version != was.version || !value.Equal(was.value), nil
}

// DefaultInterval is how often [Vaults.Watch] looks where it is not told.
const DefaultInterval = 5 * time.Minute

// Watch looks every interval until ctx ends; 0: [DefaultInterval]. Where something changed it calls
// changed with the references, which has to load anew; if that fails, it is
// called again after the next look. What cannot be looked at is logged and
// stays as it is: a vault that is down takes no secret away from a gateway that
// runs.
func (v *Vaults) Watch(ctx context.Context, interval time.Duration, changed func(context.Context, []string) error) {
	if interval <= 0 {
		interval = DefaultInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		refs, err := v.Changed(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			v.opt.Log.Warn("secrets of vaults cannot be looked at, the values in use stay", slog.Any("error", err))
		}
		if len(refs) == 0 {
			continue
		}
		v.opt.Log.Info("secrets of vaults have changed", slog.Any("references", refs))
		if err := changed(ctx, refs); err != nil {
			v.opt.Log.Error("changed secrets are not in use yet, tried again after the next look", slog.Any("error", err))
		}
	}
}
