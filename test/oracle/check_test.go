package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloister-ai/cloister/internal/csharp"
	"github.com/cloister-ai/cloister/internal/csharp/check"
	"github.com/cloister-ai/cloister/internal/csharp/syntax"
)

// TestChecked refuses what the compiler refuses, and nothing else.
func TestChecked(t *testing.T) {
	u := csharp.Library()
	rows, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	differ, err := LoadDifferences(Files())
	if err != nil {
		t.Fatal(err)
	}
	opt := check.Options{Universe: u, Context: u.Full("", "IContext", 0)}
	for _, r := range rows {
		if !r.Recorded {
			continue
		}
		want, got := differ.Want(r), Answer{}
		errs := checked(r.Expression, opt)
		if len(errs) > 0 {
			got.Error = &Failure{Type: "compile", Code: errs[0].Code, Message: said(errs)}
		}
		if !want.Refused() && !got.Refused() {
			continue
		}
		if wrong := Compare(want, got); wrong != "" {
			t.Errorf("%s: %s\n\t%s", r.ID, r.Expression, wrong)
		}
	}
}

func checked(source string, opt check.Options) []*syntax.Error {
	p, errs := syntax.Parse(source)
	if len(errs) > 0 {
		return errs
	}
	_, errs = check.Check(p, opt)
	return errs
}

func said(errs []*syntax.Error) string {
	var out []string
	for _, e := range errs {
		out = append(out, fmt.Sprintf("%s at %d: %s", e.Code, e.Offset, e.Reason))
	}
	return strings.Join(out, "; ")
}
