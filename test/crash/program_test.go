//go:build linux

package crash

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// The flags of "make crash"; without them the short form runs.
var (
	seedFlag  = flag.Uint64("seed", 1, "seed of the moments and of the load; 0: from the clock")
	killsFlag = flag.Int("kills", 6, "kills on each database; the other tests are as much longer")
)

// options are the flags of this test binary.
type options struct {
	seed  uint64
	kills int
}

// given are the options, with a seed that is printed.
func given(t testing.TB) options {
	t.Helper()
	say(t, "seed %d", *seedFlag)
	return options{*seedFlag, *killsFlag}
}

// say prints at once, where one waits for minutes.
func say(t testing.TB, format string, args ...any) {
	t.Helper()
	if testing.Verbose() {
		fmt.Fprintf(os.Stderr, "%s: %s\n", t.Name(), fmt.Sprintf(format, args...))
	}
}

// built is the one copy of the program that all tests kill.
var built struct {
	sync.Mutex
	path string
}

// program builds the gateway once and keeps a copy of its own: a test of
// another package may build it anew meanwhile.
func program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.path != "" {
		return built.path
	}
	text, err := os.ReadFile(testenv.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "cloister-crash-program-")
	if err != nil {
		t.Fatal(err)
	}
	built.path = filepath.Join(dir, "cloister")
	if err := os.WriteFile(built.path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return built.path
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *seedFlag == 0 {
		*seedFlag = uint64(time.Now().UnixNano())
	}
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path)) // in a temporary directory: nothing depends on it
	}
	os.Exit(code)
}
