package app

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCallersReport: the table shows the path that callers write, and only the
// subscriptions that can come in that way.
func TestCallersReport(t *testing.T) {
	s := newSite(t, http.NotFoundHandler(), map[string]string{
		"apim/version sets/seg/versionSetInformation.json": `{"properties":{"displayName":"seg","versioningScheme":"Segment"}}`,
	})
	api := func(name, version string) map[string]string {
		return map[string]string{
			"apim/apis/" + name + "/apiInformation.json": `{"properties":{"displayName":"` + name + `","path":"v","protocols":["https"],"serviceUrl":"` + s.backend.URL + `","subscriptionRequired":false,` + version + `}}`,
			"apim/apis/" + name + "/specification.yaml":  wildcardSpecification,
		}
	}
	for name, content := range api("seg-v1", `"apiVersion":"v1","apiVersionSetId":"/apiVersionSets/seg"`) {
		s.write(t, name, content)
	}
	for callers, want := range map[string][]ReportCallers{
		"": {
			{API: "openai", Path: "/openai", Callers: []string{"subscription"}, Implied: true, Subscriptions: []string{"team"}},
			{API: "seg-v1", Path: "/v/v1", Callers: []string{}, Implied: true, Hint: "to let callers in: callers: {apis: {seg-v1: [subscription]}}; or token, or certificate"},
		},
		"callers: {apis: {openai: [certificate], seg-v1: []}}\n": {
			{API: "openai", Path: "/openai", Callers: []string{"certificate"}},
			{API: "seg-v1", Path: "/v/v1", Callers: []string{}},
		},
	} {
		s.write(t, "cloister.yaml", s.config(callers+"acceptedFields: []\n"))
		r, err := Check(t.Context(), CheckOptions{Dir: s.dir})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Callers); diff != "" {
			t.Errorf("%q: %s\n%v", callers, diff, r.Problems)
		}
	}
}
