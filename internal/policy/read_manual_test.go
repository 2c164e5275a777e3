package policy

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// The documents of the manual are read, or refused with the code that it says.
func TestReadManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/policy-format.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```xml(?: refused: ([a-z-]+))?\n(.*?)^```$").FindAllSubmatch(manual, -1)
	refused := 0
	for _, block := range blocks {
		code, source := string(block[1]), block[2]
		_, problems := Read("policy.xml", source)
		if code == "" {
			if problems.HasErrors() {
				t.Errorf("%s\n%v", source, problems)
			}
			continue
		}
		refused++
		if !slices.ContainsFunc(problems, func(p site.Problem) bool { return p.Code == code && p.Severity == site.Error }) {
			t.Errorf("%s\nis to be refused with %s: %v", source, code, problems)
		}
	}
	if len(blocks) < 10 || refused < 5 {
		t.Errorf("%d documents, %d to be refused: the manual holds more", len(blocks), refused)
	}
}
