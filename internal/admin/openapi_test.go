package admin

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew")

// TestOpenAPI: docs/admin-api.json is what the table says, and what the door
// answers with.
func TestOpenAPI(t *testing.T) {
	const page = "../../docs/admin-api.json"
	want, err := json.MarshalIndent(OpenAPI(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not fresh; run go test ./internal/admin -update (-want +got)\n%s", page, diff)
	}
	f := newFixture(t, nil)
	var answered map[string]any
	if err := f.client(AllRoles()...).call(t.Context(), "GET", "/v1/openapi.json", nil, &answered); err != nil {
		t.Fatal(err)
	}
	for _, op := range operations() {
		paths, _ := answered["paths"].(map[string]any)
		if path, _ := paths[op.pattern].(map[string]any); path == nil {
			t.Errorf("%s is not in the document", op.pattern)
		}
	}
}
