package cli

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/cloister-ai/cloister/internal/lab"
	"github.com/cloister-ai/cloister/internal/testenv"
)

// labHere reports whether this user may make namespaces here; under
// CLOISTER_TEST_STRICT=1 it fails where not.
func labHere(t *testing.T) bool {
	if runtime.GOOS != "linux" {
		return false
	}
	err := labTried()
	if errors.As(err, new(*lab.UnableError)) {
		if testenv.Strict() {
			t.Errorf("missing part: %v", err)
		}
		return false
	}
	return true
}

// labTried is why no lab can be made here: the site is none, which is seen when
// the namespaces stand.
var labTried = sync.OnceValue(func() error {
	_, err := lab.Start(context.Background(), lab.Options{Site: "testdata", Bare: true})
	return err
})
