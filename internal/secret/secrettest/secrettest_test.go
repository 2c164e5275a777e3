package secrettest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canary = `Ca/na"ry<5>&\+=ü%`

func finder(t *testing.T) *Finder { return New(t, map[string]string{"the key": canary}) }

// everyByte escapes each byte, as nobody has to and everybody may.
func everyByte(format string) string {
	var b strings.Builder
	for i := range len(canary) {
		fmt.Fprintf(&b, format, canary[i])
	}
	return b.String()
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFindsEachForm: a canary is found in every form that the package promises,
// between other text.
func TestFindsEachForm(t *testing.T) {
	f := finder(t)
	slashed := strings.ReplaceAll(asJSON(t, canary), "/", `\/`)
	for form, text := range map[string]string{
		"clear":           canary,
		"lower case":      strings.ToLower(canary),
		"hex":             hex.EncodeToString([]byte(canary)),
		"HEX":             strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"decimal":         fmt.Sprint([]byte(canary)),
		"decimal, commas": strings.ReplaceAll(fmt.Sprint([]byte(canary)), " ", ","),
		"backwards":       backwards(canary),
		"UTF-16":          wide(canary),
		"query":           url.QueryEscape(strings.ReplaceAll(canary, " ", "")),
		"path":            url.PathEscape(canary),
		"every %":         everyByte("%%%02x"),
		"every %, upper":  everyByte("%%%02X"),
		"JSON":            asJSON(t, canary),
		"JSON, slashed":   slashed,
		"Go":              fmt.Sprintf("%q", canary),
		"Go, ASCII":       fmt.Sprintf("%+q", canary),
		"every x":         everyByte(`\x%02x`),
		"every octal":     everyByte(`\%03o`),
		"JSON in JSON":    asJSON(t, asJSON(t, map[string]string{"k": canary})),
		"URL in JSON":     asJSON(t, "https://h/?key="+url.QueryEscape(canary)),
		"base64 in URL":   url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("user:" + canary))),
	} {
		if found := f.Bytes("x", []byte("before "+text+" behind")); len(found) == 0 {
			t.Errorf("%s: not found in %s", form, text)
		}
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 7 {
			for behind := range 4 {
				text := enc.EncodeToString([]byte(strings.Repeat("b", before) + canary + strings.Repeat("a", behind)))
				if found := f.Bytes("x", []byte(text)); len(found) == 0 {
					t.Errorf("base64 with %d before and %d behind: not found in %s", before, behind, text)
				}
			}
		}
	}
}

// TestFindsNothing: what is no canary is not taken for one.
func TestFindsNothing(t *testing.T) {
	f := finder(t)
	for _, text := range []string{
		"", "%", `\`, `\u`, `\u00`, "%4", `\x`, "%zz", `\777`,
		canary[1:], canary[:len(canary)-1], base64.StdEncoding.EncodeToString([]byte(canary[2:])),
		hex.EncodeToString([]byte(canary[1:])), strings.Repeat(`\\`, 1000), strings.Repeat("%25", 1000),
	} {
		if found := f.Bytes("x", []byte(text)); len(found) != 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}

func TestFindsInFiles(t *testing.T) {
	f, dir := finder(t), t.TempDir()
	if found, err := f.Dir(dir); err != nil || len(found) != 0 {
		t.Fatalf("in an empty directory: %v, %v", found, err)
	}
	below := filepath.Join(dir, "a", hex.EncodeToString([]byte(canary)))
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "db"), []byte("\x00\x01"+canary+"\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := f.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(found)
	if len(found) != 2 || !strings.Contains(all, filepath.Join("a", "db")+" holds the key (clear)") || !strings.Contains(all, "(hexadecimal)") {
		t.Errorf("found %v", found)
	}
	if _, err := f.Dir(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that is not there has no canaries")
	}
}

// FuzzViews: taking escapes away neither fails nor makes text longer, and what
// was in clear stays in clear.
func FuzzViews(f *testing.F) {
	for _, s := range []string{"", `\u0041%41\x41\101`, "%2541", `\\u0041`, canary, `\uD800`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i, v := range views(text) {
			if len(v) > len(text) {
				t.Errorf("view %d of %q has %d bytes", i, text, len(v))
			}
		}
		if found := finder(t).Bytes("x", append(text, canary...)); len(found) == 0 {
			t.Errorf("not found behind %q", text)
		}
	})
}
