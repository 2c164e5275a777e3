package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestNoFieldShowsASecret puts what looks like a secret into every text of
// cloister.yaml, it is found, and nothing that is said
// shows it.
func TestNoFieldShowsASecret(t *testing.T) {
	const secret = "sk-0123456789abcdefghij"
	walkFields(configFields(), "", func(path string, f field) {
		if f.typ != typeText && !(f.typ == typeList && f.elem.typ == typeText) {
			return
		}
		value := secret
		if f.typ == typeList {
			value = "[" + secret + "]"
		}
		config := withField(path, value)
		_, ps := load(t, map[string]string{"cloister.yaml": config})
		if !slices.Contains(codes(ps), "secret-in-clear") {
			t.Errorf("%s: not found in\n%s\n%s", path, config, render(ps))
		}
		if strings.Contains(fmt.Sprintf("%+v", ps), secret) {
			t.Errorf("%s: shown:\n%s", path, render(ps))
		}
	})
}

// withField is the smallest site with one field besides.
func withField(path, value string) string {
	parts := strings.Split(path, ".")
	for i, p := range slices.Backward(parts) {
		name, element := strings.CutSuffix(p, "[]")
		switch {
		case i == len(parts)-1:
			value = fmt.Sprintf("{%s: %s}", p, value)
		case element:
			value = fmt.Sprintf("{%s: [%s]}", name, value)
		default:
			value = fmt.Sprintf("{%s: %s}", name, value)
		}
	}
	var b strings.Builder
	top, _, _ := strings.Cut(strings.TrimPrefix(value, "{"), ":")
	for line := range strings.Lines(minimal) {
		if !strings.HasPrefix(line, top+":") {
			b.WriteString(line)
		}
	}
	return b.String() + strings.TrimSuffix(strings.TrimPrefix(value, "{"), "}") + "\n"
}
