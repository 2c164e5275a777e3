package secret

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

// minModulus is the least RSA key that is used, in bits.
const minModulus = 2048

// VaultKey is a key-encryption key in Azure Key Vault or Managed HSM: an RSA
// key that never leaves it. What is sealed names the version that sealed it, so
// the key can be rotated while others serve: old versions go on opening until
// they are disabled. It is safe for concurrent use.
type VaultKey struct {
	vaults *Vaults
	object VaultObject
}

// OpenKey looks at the key that an identifier names. Without a version the
// newest one seals; with one, that one. The error is a [*KeyError].
func (v *Vaults) OpenKey(ctx context.Context, identifier string) (*VaultKey, error) {
	o, err := ParseVaultID(identifier, KindKeys)
	if err != nil {
		bad := badIdentifier(identifier, err)
		return nil, &KeyError{Key: identifier, Doing: doingOpen, Reason: bad.Reason, Mend: bad.Mend, Err: err}
	}
	k := &VaultKey{vaults: v, object: o}
	if _, err := k.current(ctx, doingOpen); err != nil {
		return nil, err
	}
	return k, nil
}

// ID is the key's identifier without a version.
func (k *VaultKey) ID() string { return k.object.Any().String() }

func (k *VaultKey) fail(doing string, f *vaultFault) error {
	return &KeyError{Key: k.ID(), Doing: doing, Reason: f.reason, Mend: f.mend, Err: f}
}

// current is the version that seals, if it is fit to.
func (k *VaultKey) current(ctx context.Context, doing string) (VaultObject, error) {
	client, err := k.vaults.keyClient(k.object.Vault)
	if err != nil {
		return VaultObject{}, k.fail(doing, &vaultFault{reason: err.Error()})
	}
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	got, err := client.GetKey(ctx, k.object.Name, k.object.Version, nil)
	if err != nil {
		return VaultObject{}, k.fail(doing, asFault(k.object, err))
	}
	o, f := k.judge(got)
	if f != nil {
		return VaultObject{}, k.fail(doing, f)
	}
	return o, nil
}

// judge says which version an answer is about, and whether it can seal.
func (k *VaultKey) judge(got azkeys.GetKeyResponse) (VaultObject, *vaultFault) {
	odd := &vaultFault{reason: oddAnswer}
	if got.Key == nil || got.Key.KID == nil || got.Key.Kty == nil {
		return VaultObject{}, odd
	}
	o, err := k.version(got.Key.KID)
	if err != nil {
		return VaultObject{}, odd
	}
	const mend = "make one for it: az keyvault key create --kty RSA --size 3072 --ops wrapKey unwrapKey --name NAME --vault-name VAULT"
	switch *got.Key.Kty {
	case azkeys.KeyTypeRSA, azkeys.KeyTypeRSAHSM:
	default:
		return o, &vaultFault{reason: fmt.Sprintf("it is of type %q, and only RSA keys wrap", *got.Key.Kty), mend: mend}
	}
	if bits := 8 * len(bytes.TrimLeft(got.Key.N, "\x00")); bits < minModulus {
		return o, &vaultFault{reason: fmt.Sprintf("it has %d bits, at least %d are wanted", bits, minModulus), mend: mend}
	}
	for _, op := range []azkeys.KeyOperation{azkeys.KeyOperationWrapKey, azkeys.KeyOperationUnwrapKey} {
		if !slices.ContainsFunc(got.Key.KeyOps, func(has *azkeys.KeyOperation) bool { return has != nil && *has == op }) {
			return o, &vaultFault{reason: fmt.Sprintf("it may not be used for %s", op), mend: "az keyvault key set-attributes --ops wrapKey unwrapKey --id " + o.String()}
		}
	}
	if a := got.Attributes; a != nil {
		if a.Enabled != nil && !*a.Enabled {
			return o, &vaultFault{reason: "its version " + o.Version + " is disabled", mend: "az keyvault key set-attributes --enabled true --id " + o.String()}
		}
		if f := k.vaults.window(o, a.NotBefore, a.Expires); f != nil {
			f.mend = "rotate it: az keyvault key rotate --name " + o.Name + " --vault-name VAULT"
			return o, f
		}
	}
	return o, nil
}

// version reads a key identifier of an answer, which has to be about this key.
func (k *VaultKey) version(id *azkeys.ID) (VaultObject, error) {
	o, err := ParseVaultID(string(*id), KindKeys)
	if err == nil && (o.Any() != k.object.Any() || !o.Pinned() || k.object.Pinned() && o != k.object) {
		err = fmt.Errorf("the answer is about %s", o)
	}
	return o, err
}

// Wrap seals with a fresh content key, which the vault wraps. It opens what it
// sealed before it returns it: a key that wraps and does not unwrap would lose
// everything, and only the vault can tell. All of it together takes 10 s at
// most: a store may hold its lock meanwhile.
func (k *VaultKey) Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	o, err := k.current(ctx, doingWrap)
	if err != nil {
		return nil, err
	}
	content := make([]byte, contentKeySize)
	if _, err := io.ReadFull(k.vaults.opt.Rand, content); err != nil {
		return nil, k.fail(doingWrap, &vaultFault{reason: "reading random bytes: " + err.Error(), err: err})
	}
	e := &envelope{KeyID: o.String(), Algorithm: algVault}
	if e.Key, err = k.operate(ctx, doingWrap, o, content); err != nil {
		return nil, err
	}
	if err := e.seal(k.vaults.opt.Rand, content, plaintext, aad); err != nil {
		return nil, k.fail(doingWrap, &vaultFault{reason: err.Error(), err: err})
	}
	sealed, err := e.encode()
	if err != nil {
		return nil, k.fail(doingWrap, &vaultFault{reason: err.Error(), err: err})
	}
	again, err := k.Unwrap(ctx, sealed, aad)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, plaintext) {
		return nil, k.fail(doingWrap, &vaultFault{reason: "the vault opens it as something else"})
	}
	return sealed, nil
}

// operate wraps or unwraps a content key in the vault.
func (k *VaultKey) operate(ctx context.Context, doing string, o VaultObject, value []byte) ([]byte, error) {
	client, err := k.vaults.keyClient(o.Vault)
	if err != nil {
		return nil, k.fail(doing, &vaultFault{reason: err.Error()})
	}
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	algorithm := azkeys.EncryptionAlgorithmRSAOAEP256
	p := azkeys.KeyOperationParameters{Algorithm: &algorithm, Value: value}
	var result azkeys.KeyOperationResult
	if doing == doingWrap {
		r, e := client.WrapKey(ctx, o.Name, o.Version, p, nil)
		result, err = r.KeyOperationResult, e
	} else {
		r, e := client.UnwrapKey(ctx, o.Name, o.Version, p, nil)
		result, err = r.KeyOperationResult, e
	}
	if err != nil {
		return nil, k.fail(doing, asFault(o, err))
	}
	if len(result.Result) == 0 || len(result.Result) > maxWrappedKey {
		return nil, k.fail(doing, &vaultFault{reason: oddAnswer})
	}
	return result.Result, nil
}

// Unwrap asks the vault to unwrap the content key, by the version that sealed
// names.
func (k *VaultKey) Unwrap(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	e, o, err := k.read(sealed, doingUnwrap)
	if err != nil {
		return nil, err
	}
	content, err := k.operate(ctx, doingUnwrap, o, e.Key)
	if err != nil {
		return nil, err
	}
	out, err := e.open(content, aad)
	if err != nil {
		return nil, k.fail(doingUnwrap, &vaultFault{reason: err.Error(), err: err})
	}
	return out, nil
}

// read is an envelope of this key, and the version that sealed it.
func (k *VaultKey) read(sealed []byte, doing string) (*envelope, VaultObject, error) {
	e, err := parseEnvelope(sealed)
	if err != nil {
		return nil, VaultObject{}, k.fail(doing, &vaultFault{reason: err.Error(), err: err})
	}
	o, err := ParseVaultID(e.KeyID, KindKeys)
	if err != nil || e.Algorithm != algVault || o.Any() != k.object.Any() || !o.Pinned() {
		return nil, VaultObject{}, otherKey(k.ID(), e.KeyID)
	}
	return e, o, nil
}

// otherKey says that something was sealed by a key that is not the one at hand.
func otherKey(at, was string) *KeyError {
	return &KeyError{
		Key: at, Reason: fmt.Sprintf("it was sealed by another key, %q", was),
		Mend: "set state.encryption to that key, or bring back the state that belongs to this one",
	}
}

// NeedsRewrap implements [KEK]. It asks the vault.
func (k *VaultKey) NeedsRewrap(ctx context.Context, sealed []byte) (bool, error) {
	_, was, err := k.read(sealed, doingVersion)
	if err != nil {
		return false, err
	}
	is, err := k.current(ctx, doingVersion)
	return err == nil && is != was, err
}
