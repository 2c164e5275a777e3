package crypto

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestFamily: every declared member of System.Security has code, and no code is
// without a declaration.
func TestFamily(t *testing.T) {
	u, err := clr.Build(Family())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range u.Missing() {
		if strings.Contains(key, "System.Security.") {
			t.Errorf("no code for %s", key)
		}
	}
}
