// Package secrettest finds canaries: secrets of a test that must not be seen
// where the test looks.
//
// It guarantees that a canary is found as it is, in base64 of either alphabet
// at any offset, in hexadecimal, as a list of decimal bytes, backwards, in
// UTF-16, and behind the escapes of URLs, JSON and Go, in any mixture of the
// three; of ASCII letters the case does not count. It does not look into what
// is compressed or encrypted.
//
// It fails the test that uses it where a canary is too short to mean anything.
package secrettest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// MinCanary is the shortest canary, in bytes: a shorter one is found by chance.
const MinCanary = 12

// Finding is a canary that was seen.
type Finding struct {
	// Where is the file's path below the directory, or what the caller said.
	Where string
	// Canary is its name.
	Canary string
	// Form says as what: "clear", "base64", …
	Form string
}

func (f Finding) String() string { return fmt.Sprintf("%s holds %s (%s)", f.Where, f.Canary, f.Form) }

// Finder looks for canaries.
type Finder struct{ needles []needle }

type needle struct{ canary, form, text string }

// New takes canaries by name.
func New(t testing.TB, canaries map[string]string) *Finder {
	t.Helper()
	f := &Finder{}
	for name, text := range canaries {
		if len(text) < MinCanary {
			t.Fatalf("the canary %s has %d bytes, fewer than %d", name, len(text), MinCanary)
		}
		f.add(name, text)
	}
	return f
}

func (f *Finder) add(name, text string) {
	put := func(form, text string) {
		f.needles = append(f.needles, needle{name, form, strings.ToLower(text)})
	}
	put("clear", text)
	put("hexadecimal", hex.EncodeToString([]byte(text)))
	put("decimal bytes", strings.Trim(fmt.Sprint([]byte(text)), "[]"))
	put("decimal bytes", strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(text)), "[]"), " ", ","))
	put("backwards", backwards(text))
	put("UTF-16", wide(text))
	for offset := range 3 {
		put("base64", base64At(base64.RawStdEncoding, text, offset))
		put("base64", base64At(base64.RawURLEncoding, text, offset))
	}
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// wide is UTF-16 without the zero that begins or ends it, so that either order
// of bytes is found.
func wide(s string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return strings.TrimSuffix(string(b), "\x00")
}

// base64At is the part of the encoding that depends on text alone, where offset
// bytes (modulo 3) stand before it.
func base64At(enc *base64.Encoding, text string, offset int) string {
	all := enc.EncodeToString(append(make([]byte, offset), text...))
	first := (8*offset + 5) / 6
	last := 8 * (offset + len(text)) / 6
	return all[first:last]
}

// Bytes looks at one text.
func (f *Finder) Bytes(where string, text []byte) []Finding {
	var out []Finding
	seen := map[Finding]bool{}
	for i, view := range views(text) {
		lower := string(bytes.ToLower(view))
		for _, n := range f.needles {
			if !strings.Contains(lower, n.text) {
				continue
			}
			finding := Finding{where, n.canary, n.form}
			if i > 0 {
				finding.Form += ", escaped"
			}
			plain := Finding{where, n.canary, n.form}
			if !seen[plain] {
				seen[plain] = true
				out = append(out, finding)
			}
		}
	}
	return out
}

// Dir looks at every regular file below root, and at the names of all.
func (f *Finder) Dir(root string) ([]Finding, error) {
	var out []Finding
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		where, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out = append(out, f.Bytes("the name "+where, []byte(where))...)
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out = append(out, f.Bytes(where, text)...)
		return nil
	})
	return out, err
}

// None fails the test for each finding in a text.
func (f *Finder) None(t testing.TB, where string, text []byte) {
	t.Helper()
	for _, finding := range f.Bytes(where, text) {
		t.Error(finding)
	}
}

// NoneBelow fails the test for each finding below a directory.
func (f *Finder) NoneBelow(t testing.TB, root string) {
	t.Helper()
	found, err := f.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range found {
		t.Error(finding)
	}
}
