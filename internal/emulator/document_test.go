package emulator

import (
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocument: every knob and every error that docs/emulator.md names exists,
// and every error that exists is named.
func TestDocument(t *testing.T) {
	src, err := os.ReadFile("../../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(src), "### Knobs")
	section, _, _ = strings.Cut(section, "```")
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(section, -1)
	if len(rows) != 9 {
		t.Errorf("%d knobs", len(rows))
	}
	for _, row := range rows {
		value := "1"
		switch row[1] {
		case "status":
			value = "500"
		case "error":
			value = "rate-limit"
			named := regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[2], -1)
			if len(named) != len(catalogue()) {
				t.Errorf("%d of %d errors", len(named), len(catalogue()))
			}
			for _, n := range named {
				if catalogue()[n[1]] == nil {
					t.Errorf("there is no error %q", n[1])
				}
			}
		}
		if err := new(Knobs).set(textproto.CanonicalMIMEHeaderKey(row[1]), value); err != nil {
			t.Errorf("%s: %v", row[1], err)
		}
	}
}
