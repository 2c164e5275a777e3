package collection

import (
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func TestFamilyIsDeclared(t *testing.T) {
	u, err := clr.Build(Family())
	if err != nil {
		t.Fatal(err)
	}
	_ = u
}
