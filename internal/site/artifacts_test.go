package site

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestReadArtifacts(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	a := ReadArtifacts(fstest.MapFS{
		"named values/a/namedValueInformation.json":            file(`{"properties": {"displayName": "Host", "value": "h"}}`),
		"named values/b/namedValueInformation.json":            file(`{"properties": {"displayName": "key", "secret": true, "value": "*** REDACTED ***"}}`),
		"named values/broken/namedValueInformation.json":       file(`{`),
		"named values/empty/notes.txt":                         file(``),
		"namedValues/c/namedValueInformation.json":             file(`{"properties": {"value": "c"}}`),
		"policy fragments/log/policy.xml":                      file(`<fragment />`),
		"policyFragments/trace/policyFragmentInformation.json": file(`{}`),
		"backends/pool/backendInformation.json":                file(`{"properties": {"type": "Pool"}}`),
		"loggers/hub/loggerInformation.json":                   file(`{}`),
		"certificates/client/certificateInformation.json":      file(`{}`),
		"backends.json": file(`[]`),
		"apis/a/backends/no/backendInformation.json": file(`{}`),
	})
	var names []string
	for _, v := range a.NamedValues {
		names = append(names, v.Name+"="+v.Value)
	}
	if diff := cmp.Diff([]string{"Host=h", "key=", "c=c", "broken=", "empty="}, names); diff != "" {
		t.Error(diff)
	}
	a.NamedValues = nil
	want := &Artifacts{
		Fragments: []string{"log", "trace"}, Backends: []string{"pool"}, Loggers: []string{"hub"}, Certificates: []string{"client"},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&Artifacts{}, ReadArtifacts(fstest.MapFS{"a.xml": file("<policies />")})); diff != "" {
		t.Error(diff)
	}
}
