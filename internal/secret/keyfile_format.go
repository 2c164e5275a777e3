package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// keyFileFormat is the only one there is.
const keyFileFormat = 1

// maxKeyFile bounds the text that is read, in bytes.
const maxKeyFile = 4 << 10

// keyFileText is a key file as it rests: a key of 32 random bytes, sealed with
// AES-256-GCM under a key that argon2id (RFC 9106) makes of a passphrase. All
// other fields are bound to it.
type keyFileText struct {
	Format int    `json:"cloisterKeyFile"`
	ID     string `json:"id"`
	KDF    kdf    `json:"kdf"`
	// Check tells whether a passphrase is the right one.
	Check []byte `json:"check"`
	Nonce []byte `json:"nonce"`
	Key   []byte `json:"key"`
	// Digest is SHA-256 of the rest. It keeps nobody from changing the file; it
	// tells a file that was damaged from a passphrase that is wrong.
	Digest []byte `json:"digest"`
}

// kdf says how a passphrase becomes a key.
type kdf struct {
	Name string `json:"name"`
	// MemoryKiB, Passes and Lanes are m, t and p of RFC 9106.
	MemoryKiB uint32 `json:"memoryKiB"`
	Passes    uint32 `json:"passes"`
	Lanes     uint8  `json:"lanes"`
	Salt      []byte `json:"salt"`
}

// costs are those of a new file: RFC 9106, the second recommended option, with
// one lane, so that a guess does not gain by machines with many processors.
func costs() kdf { return kdf{Name: kdfName, MemoryKiB: 64 << 10, Passes: 3, Lanes: 1} }

// Bounds of what a file may ask for: whoever can write it does not get to take
// the machine's memory.
const (
	kdfName   = "argon2id"
	maxMemory = 512 << 10 // KiB
	maxPasses = 10
	maxLanes  = 4
	saltSize  = 16
	checkSize = 16
	idSize    = 8
)

var (
	errKeyFileDamaged = errors.New("the file is damaged")
	errNoKeyFile      = errors.New("it is not a key file of this program, or only a part of one")
)

func (k *kdf) inBounds() bool {
	return k.Name == kdfName && len(k.Salt) == saltSize &&
		k.Lanes >= 1 && k.Lanes <= maxLanes && k.Passes >= 1 && k.Passes <= maxPasses &&
		k.MemoryKiB >= 8*uint32(k.Lanes) && k.MemoryKiB <= maxMemory
}

// derive makes the sealing key and the check value of a passphrase.
func (k *kdf) derive(passphrase Value) (seal, check []byte) {
	out := argon2.IDKey([]byte(passphrase.Reveal()), k.Salt, k.Passes, k.MemoryKiB, k.Lanes, contentKeySize+sha256.Size)
	mac := hmac.New(sha256.New, out[contentKeySize:])
	mac.Write([]byte("cloister key file check"))
	return out[:contentKeySize], mac.Sum(nil)[:checkSize]
}

// parseKeyFile reads a key file in its one spelling.
func parseKeyFile(text []byte) (*keyFileText, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("it is larger than %d bytes: not a key file", maxKeyFile)
	}
	f := new(keyFileText)
	if err := json.Unmarshal(text, f); err != nil {
		if looksLikeKeyFile(text) {
			return nil, errKeyFileDamaged
		}
		return nil, errNoKeyFile
	}
	// The digest is over all but the format: where it fits, only that was changed.
	whole := hmac.Equal(f.Digest, f.digest())
	switch {
	case f.Format == 0 && !looksLikeKeyFile(text):
		return nil, errNoKeyFile
	case f.Format > keyFileFormat && !whole:
		return nil, fmt.Errorf("its format is %d, and only %d is known here", f.Format, keyFileFormat)
	}
	again, err := f.encode()
	if err != nil || f.Format != keyFileFormat || !whole || !bytes.Equal(again, text) {
		return nil, errKeyFileDamaged
	}
	id, err := hex.DecodeString(f.ID)
	if err != nil || len(id) != idSize || len(f.Check) != checkSize || len(f.Nonce) != nonceSize || len(f.Key) != contentKeySize+tagSize {
		return nil, errKeyFileDamaged
	}
	// Last: what an accident did to the costs is damage, and no demand.
	if !f.KDF.inBounds() {
		return nil, fmt.Errorf("it asks for %s with %d KiB, %d passes and %d lanes; at most %d KiB, %d and %d are accepted",
			shorten(f.KDF.Name), f.KDF.MemoryKiB, f.KDF.Passes, f.KDF.Lanes, maxMemory, maxPasses, maxLanes)
	}
	return f, nil
}

// looksLikeKeyFile tells a key file with an accident from another file.
func looksLikeKeyFile(text []byte) bool {
	return bytes.Contains(text, []byte(`"cloisterKeyFile"`)) || bytes.Contains(text, []byte(`"`+kdfName+`"`))
}

func shorten(s string) string {
	if len(s) > 16 {
		s = s[:16] + "…"
	}
	return fmt.Sprintf("%q", s)
}

func (f *keyFileText) encode() ([]byte, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// bound is what the key is bound to.
func (f *keyFileText) bound() []byte {
	out := []byte("cloister key file 1\x00")
	out = binary.BigEndian.AppendUint32(out, f.KDF.MemoryKiB)
	out = binary.BigEndian.AppendUint32(out, f.KDF.Passes)
	out = append(out, f.KDF.Lanes)
	for _, part := range [][]byte{[]byte(f.ID), []byte(f.KDF.Name), f.KDF.Salt, f.Check} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

func (f *keyFileText) digest() []byte {
	sum := sha256.New()
	sum.Write(f.bound())
	sum.Write(f.Nonce)
	sum.Write(f.Key)
	return sum.Sum(nil)
}
