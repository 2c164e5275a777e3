package text

import (
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// universe is built once in a process, by whichever test comes first.
var universe = func() *clr.Universe {
	u, err := clr.Build(Family())
	if err != nil {
		panic(err)
	}
	return u
}()

// TestMembers: whatever the declarations say of this family's types has code.
// Exception.Data is a collection, and has its code there.
func TestMembers(t *testing.T) {
	mine := []string{
		"System.String.", "System.Char.", "System.Boolean.", "System.Object.", "System.Exception.", "System.StringComparer.", "System.Uri.",
		"System.Text.Encoding.", "System.Text.StringBuilder.", "System.Net.", "System.IO.",
	}
	for _, key := range universe.Missing() {
		name := strings.TrimPrefix(key, "new ")
		for _, prefix := range mine {
			if key == "System.Exception.Data" {
				continue
			}
			if strings.HasPrefix(name, prefix) || strings.HasPrefix(name, strings.TrimSuffix(prefix, ".")+"(") {
				t.Errorf("%s has no code", key)
			}
		}
	}
}
