package collection

import (
	"strings"
	"testing"
)

// TestEveryMemberIsWritten finds members of this family's types without code.
func TestEveryMemberIsWritten(t *testing.T) {
	for _, key := range universe.Missing() {
		for _, of := range []string{
			"System.Array.", "System.Collections.", "System.Linq.", "System.Tuple", "System.ICloneable", "System.IDisposable",
		} {
			if strings.HasPrefix(strings.TrimPrefix(key, "new "), of) {
				t.Errorf("%s has no code", key)
			}
		}
	}
}
