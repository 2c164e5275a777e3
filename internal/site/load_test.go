package site

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const minimal = `name: contoso
listeners: [{address: 10.1.2.3, port: 443}]
hostnames: [{name: openai.contoso.internal}]
`

// privateKey is spelled in parts, so that no tool takes this file for a key.
const privateKey = "-----BEGIN PRIVATE" + " KEY-----\nMC4C\n-----END PRIVATE" + " KEY-----\n"

const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

// codes are the codes of errors, sorted, each once.
func codes(ps Problems) []string {
	var out []string
	for _, p := range ps {
		if p.Severity == Error {
			out = append(out, p.Code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestLoadReadsOnlyTheSite(t *testing.T) {
	files := map[string]string{
		"cloister.yaml": strings.Replace(minimal, "}]\nhost", "}]\nbackends: {b: {url: \"https://b.internal\", credential: {none: true}, caFile: ca/b.pem}}\n"+
			"destinations: {model: [{host: b.internal}]}\nhost", 1),
		"apim/policy.xml":            "<policies />",
		"apim/.git/objects/ab":       "x",
		"tls/gateway.pem":            certificate,
		"tls/gateway.key":            privateKey,
		"tls/gateway-key.pem":        privateKey,
		"tls/privkey.pem":            privateKey,
		"ca/b.pem":                   certificate,
		"ca/other.pem":               certificate,
		"state/cloister.db":          "database",
		"keys/team-a":                "secret",
		"apim/policy fragments/.tmp": "x",
	}
	s, ps := load(t, files)
	if s == nil {
		t.Fatal(render(ps))
	}
	got := slices.Sorted(maps.Keys(s.Files))
	want := []string{"apim/policy.xml", "ca/b.pem", "cloister.yaml", "tls/gateway.pem"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files read (-want +got)\n%s", diff)
	}
	if s.Dir != "/site" || string(s.Service.Policy.Source) != "<policies />" {
		t.Errorf("dir %q, policy %q", s.Dir, s.Service.Policy.Source)
	}
}

func TestLoadRefusesKeysBesideCertificates(t *testing.T) {
	s, ps := LoadFS(mapFS(map[string]string{"cloister.yaml": minimal, "tls/both.pem": certificate + privateKey}), "/site")
	if s != nil || !slices.Equal(codes(ps), []string{"secret-in-clear"}) {
		t.Fatalf("site %v:\n%s", s, render(ps))
	}
	if strings.Contains(render(ps), "MC4C") {
		t.Errorf("the key is shown:\n%s", render(ps))
	}
}

// TestLoadShowsNoSecret puts secrets where people put them and looks for them
// in everything that is said about the site.
func TestLoadShowsNoSecret(t *testing.T) {
	const secret = "hunter2hunter2"
	files := map[string]string{
		"cloister.yaml": minimal + "subscriptions:\n- {name: a, scope: /apis, primaryKey: " + secret + "}\n" +
			"- {name: b, scope: /apis, primaryKey: {env: \"" + secret + " \"}}\n" +
			"- {name: c, scope: /apis, primaryKey: [" + secret + "]}\n" +
			"apiKey: " + secret + "\nbackends: {b: {credential: {apiKey: {key: " + secret + "}}}}\n" +
			"limits: {maxBodyBytes: 1, token: {deep: [" + secret + "]}}\n",
		"apim/backends/b/backendInformation.json": `{"properties": {"url": 1, "credentials": {
			"header": {"api-key": ["` + secret + `"], "x": {"y": "` + secret + `"}, "z": "` + secret + `"},
			"authorization": {"scheme": "Bearer", "parameter": "` + secret + `"}, "password": "` + secret + `"}}}`,
		"apim/named values/n/namedValueInformation.json":         `{"properties": {"secret": true, "displayName": 1, "value": "` + secret + `", "valeu": "` + secret + `"}}`,
		"apim/named values/m/namedValueInformation.json":         `{"properties": {"secret": true, "value": "` + secret + `"`,
		"apim/subscriptions/s/subscriptionInformation.json":      `{"properties": {"scope": "/apis", "primaryKey": "` + secret + `"}}`,
		"apim/subscriptions/t/subscriptionInformation.json":      `{"properties": {"scope": "/apis", "secondaryKey": ["` + secret + `"]}}`,
		"apim/subscriptions/u/subscriptionInformation.json":      `{"properties": {"scope": "/apis", "primarykey": "` + secret + `"}}`,
		"apim/loggers/l/loggerInformation.json":                  `{"properties": {"credentials": {"instrumentationKey": "` + secret + `"}}}`,
		"apim/policy fragments/f/policyFragmentInformation.json": `{"properties": {"value": ["` + secret + `"]}}`,
	}
	_, ps := load(t, files)
	if len(codes(ps)) == 0 {
		t.Fatal("no problem found")
	}
	for _, p := range ps {
		if strings.Contains(fmt.Sprintf("%+v", p), secret) {
			t.Errorf("the secret is shown: %s\n%s", p, p.Excerpt)
		}
	}
}

// TestLoadFindsSecretsByTheirLook has the shapes of keys that stand in fields
// that are not for secrets.
func TestLoadFindsSecretsByTheirLook(t *testing.T) {
	for name, secret := range map[string]string{
		"subscription key": strings.Repeat("0a", 16),
		"service key":      strings.Repeat("aB3", 28),
		"model key":        "sk-" + strings.Repeat("x", 20),
		"token":            "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
		"connection":       "Endpoint=x;SharedAccessKey=abc",
		"private key":      strings.ReplaceAll(privateKey, "\n", " "),
	} {
		_, ps := load(t, map[string]string{"cloister.yaml": strings.Replace(minimal, "contoso", `"`+secret+`"`, 1)})
		if !slices.Contains(codes(ps), "secret-in-clear") {
			t.Errorf("%s: not found:\n%s", name, render(ps))
		}
		if strings.Contains(fmt.Sprint(ps), secret) {
			t.Errorf("%s: shown:\n%s", name, render(ps))
		}
	}
}

func TestDigest(t *testing.T) {
	digest := func(files map[string]string) string {
		s, ps := load(t, files)
		if s == nil {
			t.Fatal(render(ps))
		}
		return s.Digest
	}
	base := map[string]string{"cloister.yaml": minimal, "apim/policy.xml": "<policies />"}
	first := digest(base)
	if !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+64 || first != digest(base) {
		t.Errorf("digest %q", first)
	}
	other := maps.Clone(base)
	other["state/db"], other["keys/a"] = "1", "2"
	if digest(other) != first {
		t.Error("what is not of the site changes the digest")
	}
	for name, change := range map[string]func(map[string]string){
		"a byte of the policy":  func(m map[string]string) { m["apim/policy.xml"] = "<policies/>" },
		"a comment":             func(m map[string]string) { m["cloister.yaml"] += "# x\n" },
		"a file of prose":       func(m map[string]string) { m["apim/README.md"] = "" },
		"a certificate in tls/": func(m map[string]string) { m["tls/a.pem"] = certificate },
	} {
		m := maps.Clone(base)
		change(m)
		if digest(m) == first {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

// TestDigestTellsSitesApart moves the border between a name and its content.
func TestDigestTellsSitesApart(t *testing.T) {
	a := readFiles(mapFS(map[string]string{"apim/a": "bc", "apim/d": ""}))
	b := readFiles(mapFS(map[string]string{"apim/ab": "c", "apim/d": ""}))
	c := readFiles(mapFS(map[string]string{"apim/a": "bcapim/d"}))
	if a.digest == b.digest || a.digest == c.digest || b.digest == c.digest {
		t.Errorf("digests %s, %s, %s", a.digest, b.digest, c.digest)
	}
}

// TestLineEnds: byte order marks and Windows line ends change nothing but the
// bytes.
func TestLineEnds(t *testing.T) {
	_, all := fixtures(t, "testdata/sites/toolkit.txtar")
	plain, ps := load(t, all[0].files)
	if plain == nil {
		t.Fatal(render(ps))
	}
	windows := map[string]string{}
	for name, data := range all[0].files {
		windows[name] = "\ufeff" + strings.ReplaceAll(data, "\n", "\r\n")
	}
	s, ps := load(t, windows)
	if s == nil {
		t.Fatal(render(ps))
	}
	// Places count bytes: the mark moves those of the first line.
	for _, s := range []*Site{plain, s} {
		for _, api := range s.Service.APIs {
			api.Policy, api.Specification, api.ServiceURLPos = nil, nil, Pos{}
			for _, o := range api.Operations {
				o.Policy, o.Pos = nil, Pos{}
			}
		}
	}
	if diff := cmp.Diff(plain.Service.APIs, s.Service.APIs); diff != "" {
		t.Errorf("APIs differ (-plain +windows)\n%s", diff)
	}
}

func TestBounds(t *testing.T) {
	fill := func(n int, name string) map[string]string {
		m := map[string]string{"cloister.yaml": minimal}
		for i := range n {
			m[fmt.Sprintf(name, i)] = ""
		}
		return m
	}
	deep := "apim/" + strings.Repeat("schemas/", maxDepth+1) + "x.json"
	for name, files := range map[string]map[string]string{
		"files":       fill(maxFiles+1, "apim/schemas/%d.json"),
		"depth":       {"cloister.yaml": minimal, deep: "{}"},
		"one file":    {"cloister.yaml": minimal, "apim/schemas/x": strings.Repeat("x", maxFileBytes+1)},
		"config":      {"cloister.yaml": minimal + "#" + strings.Repeat("x", 1<<20)},
		"policy":      {"cloister.yaml": minimal, "apim/policy.xml": strings.Repeat("x", maxPolicyBytes+1)},
		"information": {"cloister.yaml": minimal, "apim/groups/g/groupInformation.json": strings.Repeat(" ", 1<<20) + "{}"},
		"site": {"cloister.yaml": minimal, "apim/schemas/1": strings.Repeat("x", maxFileBytes), "apim/schemas/2": strings.Repeat("x", maxFileBytes),
			"apim/schemas/3": strings.Repeat("x", maxFileBytes), "apim/schemas/4": strings.Repeat("x", maxFileBytes)},
		"levels": {"cloister.yaml": minimal, "apim/groups/g/groupInformation.json": strings.Repeat("[", 100) + strings.Repeat("]", 100)},
		"anchors": {"cloister.yaml": "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ps := load(t, files)
			if !slices.Contains(codes(ps), "too-large") {
				t.Errorf("accepted, or refused for something else:\n%.2000s", render(ps))
			}
		})
	}
}

func TestNotUTF8(t *testing.T) {
	for _, c := range []struct{ file, data, at string }{
		{"cloister.yaml", minimal + "# é\xff\n", "cloister.yaml:4:5"},
		{"apim/groups/g/groupInformation.json", "{\n\"\xff\": 1}", "apim/groups/g/groupInformation.json:2:2"},
	} {
		files := map[string]string{"cloister.yaml": minimal}
		files[c.file] = c.data
		_, ps := load(t, files)
		if !slices.Equal(codes(ps), []string{"syntax"}) || ps[0].Pos.String() != c.at {
			t.Errorf("want one problem at %s:\n%s", c.at, render(ps))
		}
	}
}

// changingFS gives other content at each opening of one file, n times.
type changingFS struct {
	fstest.MapFS
	name string
	left *int
}

func (c changingFS) Open(name string) (fs.File, error) {
	if name == c.name && *c.left > 0 {
		*c.left--
		m := fstest.MapFS{name: &fstest.MapFile{Data: bytes.Repeat([]byte("#\n"), *c.left+1)}}
		return m.Open(name)
	}
	return c.MapFS.Open(name)
}

// TestHalfWritten: a site that is being written is never accepted as it is at
// one moment; once it stands still it is read as it then is.
func TestHalfWritten(t *testing.T) {
	files := mapFS(map[string]string{"cloister.yaml": minimal, "apim/policy.xml": "<policies />", "apim/README.md": "done"})
	for _, file := range []string{"cloister.yaml", "apim/policy.xml", "apim/README.md"} {
		always := 1 << 20
		s, ps := LoadFS(changingFS{files, file, &always}, "/site")
		if s != nil || !slices.Contains(codes(ps), "changed-while-reading") {
			t.Errorf("%s changes all the time: site %v\n%s", file, s, render(ps))
		}
		once := 1
		s, ps = LoadFS(changingFS{files, file, &once}, "/site")
		if s == nil {
			t.Errorf("%s changes once:\n%s", file, render(ps))
			continue
		}
		if !bytes.Equal(s.Files[file], files[file].Data) {
			t.Errorf("%s: read as %q", file, s.Files[file])
		}
	}
}

// vanishingFS loses a file between two readings.
type vanishingFS struct {
	fstest.MapFS
	calls *int
}

func (v vanishingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := v.MapFS.ReadDir(name)
	if name == "apim" {
		if *v.calls++; *v.calls%2 == 0 {
			entries = nil
		}
	}
	return entries, err
}

func TestVanishing(t *testing.T) {
	calls := 0
	s, ps := LoadFS(vanishingFS{mapFS(map[string]string{"cloister.yaml": minimal, "apim/policy.xml": "<policies />"}), &calls}, "/site")
	if s != nil || !slices.Contains(codes(ps), "changed-while-reading") {
		t.Errorf("site %v\n%s", s, render(ps))
	}
}

func TestLoadDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"cloister.yaml": minimal, "apim/policy.xml": "<policies />"})
	s, ps := Load(dir)
	if s == nil {
		t.Fatal(render(ps))
	}
	if s.Dir != dir || len(s.Files) != 2 {
		t.Errorf("dir %q, %d files", s.Dir, len(s.Files))
	}
	for _, bad := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "cloister.yaml")} {
		s, ps := Load(bad)
		if s != nil || !slices.Equal(codes(ps), []string{"unreadable"}) || strings.Contains(render(ps), dir) {
			t.Errorf("Load(%q) = %v\n%s", bad, s, render(ps))
		}
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSymlinks: links inside the site are followed, as Kubernetes mounts them;
// those that lead outside are refused, whatever they are called.
func TestSymlinks(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string]string{"policy.xml": "<policies />", "apim/policy.xml": "<policies />", "cloister.yaml": minimal, "a.pem": certificate, "a.key": privateKey})
	hostname := strings.Replace(minimal, "contoso.internal", "contoso.internal, certificate: tls/a.pem, key: tls/a.key", 1)
	for name, c := range map[string]struct {
		links map[string]string
		files map[string]string
		want  []string
	}{
		"inside": {
			links: map[string]string{"cloister.yaml": "..data/cloister.yaml", "..data": "..2026", "apim": "..data/apim"},
			files: map[string]string{"..2026/cloister.yaml": minimal, "..2026/apim/policy.xml": "<policies />"},
		},
		"config":   {links: map[string]string{"cloister.yaml": filepath.Join(outside, "cloister.yaml")}, want: []string{"symlink"}},
		"file":     {links: map[string]string{"apim/policy.xml": filepath.Join(outside, "policy.xml")}, files: map[string]string{"cloister.yaml": minimal, "apim/README.md": ""}, want: []string{"symlink"}},
		"folder":   {links: map[string]string{"apim": filepath.Join(outside, "apim")}, files: map[string]string{"cloister.yaml": minimal}, want: []string{"symlink"}},
		"relative": {links: map[string]string{"apim": "../" + filepath.Base(outside) + "/apim"}, files: map[string]string{"cloister.yaml": minimal}, want: []string{"symlink"}},
		"nowhere":  {links: map[string]string{"apim": "none"}, files: map[string]string{"cloister.yaml": minimal}, want: []string{"symlink"}},
		"loop":     {links: map[string]string{"apim/schemas": ".."}, files: map[string]string{"cloister.yaml": minimal, "apim/README.md": ""}, want: []string{"too-large"}},
		"certificate": {
			links: map[string]string{"tls/a.pem": filepath.Join(outside, "a.pem")},
			files: map[string]string{"cloister.yaml": hostname, "tls/a.key": privateKey}, want: []string{"symlink"},
		},
		"key": {
			links: map[string]string{"tls/a.key": filepath.Join(outside, "a.key")},
			files: map[string]string{"cloister.yaml": hostname, "tls/a.pem": certificate}, want: []string{"symlink"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, c.files)
			for link, to := range c.links {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Skip("no symbolic links here: ", err)
				}
			}
			s, ps := Load(dir)
			if !slices.Equal(codes(ps), c.want) || (s == nil) != (len(c.want) > 0) {
				t.Errorf("site %v, want %v\n%s", s, c.want, render(ps))
			}
			if s != nil && s.Service.Policy == nil {
				t.Error("the linked policy was not read")
			}
		})
	}
}
