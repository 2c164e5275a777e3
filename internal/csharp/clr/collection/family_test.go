package collection

import (
	"os"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestEveryMemberIsWritten finds members of this family's types without code.
func TestEveryMemberIsWritten(t *testing.T) {
	u, err := clr.Build(Family())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range u.Missing() {
		for _, of := range []string{
			"System.Array.", "System.Collections.", "System.Linq.", "System.Tuple", "System.ICloneable", "System.IDisposable",
		} {
			if strings.HasPrefix(strings.TrimPrefix(key, "new "), of) {
				t.Errorf("%s has no code", key)
			}
		}
		if os.Getenv("ALL") != "" {
			t.Log(key)
		}
	}
}
