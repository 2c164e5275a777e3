package oracle

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	a, b, c := Generate(7, 300), Generate(7, 300), Generate(8, 300)
	same := 0
	seen := map[string]bool{}
	for i := range a {
		if a[i].String() != b[i].String() {
			t.Fatalf("seed 7 made two expressions:\n%s\n%s", a[i], b[i])
		}
		if a[i].String() == c[i].String() {
			same++
		}
		seen[a[i].String()] = true
	}
	if same > 30 || len(seen) < 250 {
		t.Errorf("%d of 300 are the same with another seed, %d are different", same, len(seen))
	}
}

func TestSmaller(t *testing.T) {
	for _, e := range Generate(1, 100) {
		for _, s := range e.Smaller() {
			if len(s.String()) >= len(e.String()) || !strings.HasPrefix(s.String(), "@") {
				t.Fatalf("%s\nis not smaller than\n%s", s, e)
			}
		}
	}
}

// An evaluator that is wrong wherever a division stands: what is found is
// hardly more than one.
func TestHunt(t *testing.T) {
	right := Answer{Type: "System.Int32", Value: json.RawMessage("1")}
	wrong := Answer{Type: "System.Int32", Value: json.RawMessage("2")}
	truth := Each(func(json.RawMessage, string) Answer { return right })
	ours := Each(func(_ json.RawMessage, e string) Answer {
		if strings.Contains(e, " / ") {
			return wrong
		}
		return right
	})
	found, tally, err := Hunt(context.Background(), truth, ours, 3, 200, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 4 || tally.Values != 200 {
		t.Fatalf("found %d, tally %+v", len(found), tally)
	}
	for _, f := range found {
		if len(f.Expression) > 40 || !strings.Contains(f.Expression, " / ") || f.Difference == "" {
			t.Errorf("%s\n  made of %s", f.Expression, f.Original)
		}
	}
}

func TestReadAnswers(t *testing.T) {
	got, err := readAnswers([]byte(`{"id":"1","type":null,"value":null}`+"\n"+`{"id":"0","error":{"type":"X","message":"m"}}`+"\n"), 2)
	if err != nil || !got[0].Threw() || got[1].Error != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := readAnswers([]byte(`{"id":"0","type":null,"value":null}`), 2); err == nil {
		t.Error("a missing answer is not noticed")
	}
}
