package xml

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// TestFamily: every declared member of System.Xml has code, and no code is
// without a declaration.
func TestFamily(t *testing.T) {
	u, err := clr.Build(Family())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range u.Missing() {
		if strings.Contains(key, "System.Xml.") {
			t.Errorf("no code for %s", key)
		}
	}
}

func newThread() *clr.Thread {
	t := &clr.Thread{Now: time.Now, Zone: time.UTC}
	t.Start(context.Background(), clr.DefaultLimits())
	return t
}

// try is what f gives, or the exception as Type: message.
func try(f func(t *clr.Thread) string) (got string, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *clr.Thrown:
			got = e.Error()
		case *clr.LimitError:
			err = errors.New(e.Limit)
		default:
			panic(e)
		}
	}()
	return f(newThread()), nil
}
