package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program builds the smallest program for an architecture.
func program(t *testing.T, arch string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(\"hello\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// build runs the command and unpacks what it wrote.
func build(t *testing.T, args ...string) (archive []byte, dir string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image.tar")
	if err := run(append([]string{"-o", out, "-version", "1.2.3", "-revision", "abc", "-created", "1700000000"}, args...), io.Discard); err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return archive, dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		content, err := io.ReadAll(r)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestImage has another implementation of the specification read what we
// write: every digest, size and media type.
func TestImage(t *testing.T) {
	args := []string{"linux/amd64=" + program(t, "amd64"), "linux/arm64=" + program(t, "arm64")}
	first, dir := build(t, args...)
	again, _ := build(t, args...)
	if !bytes.Equal(first, again) {
		t.Error("the same programs make other bytes")
	}
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(root); err != nil {
		t.Error(err)
	}
	top, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(top.Manifests) != 1 || top.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "1.2.3" {
		t.Fatalf("the layout names %+v", top.Manifests)
	}
	index, err := root.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range m.Manifests {
		platforms = append(platforms, d.Platform.String())
		one, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, one, d.Platform)
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("platforms %s", got)
	}
}

func checkImage(t *testing.T, image v1.Image, p *v1.Platform) {
	t.Helper()
	c, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.OS != p.OS || c.Architecture != p.Architecture {
		t.Errorf("the configuration of %s says %s/%s", p, c.OS, c.Architecture)
	}
	if c.Config.User != "65532:65532" || fmt.Sprint(c.Config.Entrypoint, c.Config.Cmd) != "[/cloister] [serve /etc/cloister/site]" {
		t.Errorf("%s runs %v %v as %q", p, c.Config.Entrypoint, c.Config.Cmd, c.Config.User)
	}
	if got := c.Config.Labels["org.opencontainers.image.version"]; got != "1.2.3" || !c.Created.Equal(c.History[0].Created.Time) || c.Created.Unix() != 1700000000 {
		t.Errorf("%s: version %q, created %s", p, got, c.Created)
	}
	if got := files(t, image); got != wantFiles {
		t.Errorf("%s holds\n%s", p, got)
	}
}

// wantFiles is all that an image holds: no shell, nothing to run but us.
const wantFiles = `-rwxr-xr-x 0 cloister
drwxr-xr-x 0 etc
drwxr-xr-x 0 etc/cloister
drwxr-xr-x 0 etc/cloister/site
-rw-r--r-- 0 etc/group
-rw-r--r-- 0 etc/passwd
drwxr-xr-x 0 etc/ssl
drwxr-xr-x 0 etc/ssl/certs
-rw-r--r-- 0 etc/ssl/certs/ca-certificates.crt
dtrwxrwxrwx 0 tmp
drwxr-xr-x 0 var
drwxr-xr-x 0 var/lib
drwx------ 65532 var/lib/cloister
`

// files lists the file system that the layers make, and reads the roots.
func files(t *testing.T, image v1.Image) string {
	t.Helper()
	var out []string
	fs := mutate.Extract(image)
	defer fs.Close()
	for r := tar.NewReader(fs); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d %s\n", h.FileInfo().Mode(), h.Uid, strings.TrimSuffix(h.Name, "/")))
		if strings.HasSuffix(h.Name, "ca-certificates.crt") {
			text, err := io.ReadAll(r)
			if err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
				t.Errorf("the roots cannot be read: %v", err)
			}
		}
		if h.ModTime.Unix() != 0 {
			t.Errorf("%s says when it was made: %s", h.Name, h.ModTime)
		}
	}
	sortByName(out)
	return strings.Join(out, "")
}

func sortByName(lines []string) {
	name := func(s string) string { return s[strings.LastIndex(s, " "):] }
	for i := range lines {
		for j := i; j > 0 && name(lines[j]) < name(lines[j-1]); j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
}

func TestRefuses(t *testing.T) {
	amd64 := program(t, "amd64")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"no program", "no program; mend", nil},
		{"no platform", "not PLATFORM=PROGRAM", []string{amd64}},
		{"half a platform", "not PLATFORM=PROGRAM", []string{"linux=" + amd64}},
		{"another architecture", "is for EM_X86_64, not for arm64", []string{"linux/arm64=" + amd64}},
		{"unknown architecture", "no architecture", []string{"linux/mips=" + amd64}},
		{"a script", "not a program for Linux", []string{"linux/amd64=" + text}},
		{"nothing", "no such file", []string{"linux/amd64=" + text + ".not"}},
		{"not static", "is not static; mend", []string{"linux/amd64=" + dynamic(t, amd64)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "image.tar")
			if err := run(append([]string{"-o", out}, c.args...), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("it wrote an image")
			}
		})
	}
}

// dynamic is a program that asks for an interpreter: a static one with the
// type of a segment changed.
func dynamic(t *testing.T, static string) string {
	t.Helper()
	b, err := os.ReadFile(static)
	if err != nil {
		t.Fatal(err)
	}
	const headerSize = 56 // of a segment, in a file of 64 bit
	at := binary.LittleEndian.Uint64(b[32:])
	binary.LittleEndian.PutUint32(b[at+headerSize:], uint32(elf.PT_INTERP))
	out := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(out, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return out
}
