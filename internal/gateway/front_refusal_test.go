package gateway

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestCausesAreDocumented: docs/front.md explains every cause that the front
// refuses for.
func TestCausesAreDocumented(t *testing.T) {
	source, err := os.ReadFile("front_refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/front.md")
	if err != nil {
		t.Fatal(err)
	}
	causes := regexp.MustCompile(`RefusalCause = "([a-z0-9-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(causes) < 20 {
		t.Fatalf("the source names only %d causes", len(causes))
	}
	for _, c := range causes {
		if !strings.Contains(string(page), "`"+c[1]+"`") {
			t.Errorf("docs/front.md does not explain %s", c[1])
		}
	}
}
