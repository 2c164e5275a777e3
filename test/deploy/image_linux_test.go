package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cloister-ai/cloister/internal/testenv"
)

// blob is what the test reads of manifests and configurations.
type blob struct {
	Manifests []reference
	Layers    []reference
	Config    json.RawMessage
}

type reference struct {
	Digest   string
	Size     int
	Platform struct{ OS, Architecture string }
}

// TestImage builds the image as "make image" does, unpacks it as a runtime
// does, and runs the program in it, as the image's user and with nothing else
// around it where the test may change its root.
func TestImage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "cloister.oci.tar")
	cmd := exec.Command(filepath.Join(testenv.Root(t), "scripts", "image.sh"), out)
	cmd.Env = append(os.Environ(), "VERSION=v0.0.0-image", "LDFLAGS=-s -w -X main.version=v0.0.0-image")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	files := untar(t, out)
	var root, index, manifest, config blob
	decode(t, files["index.json"], &root)
	decode(t, open(t, files, root.Manifests[0]), &index)
	if len(index.Manifests) != 2 {
		t.Fatalf("%d images", len(index.Manifests))
	}
	for _, image := range index.Manifests {
		if image.Platform.OS == "linux" && image.Platform.Architecture == runtime.GOARCH {
			decode(t, open(t, files, image), &manifest)
		}
	}
	if len(manifest.Layers) != 2 {
		t.Fatalf("no image for %s, or one without its layers", runtime.GOARCH)
	}
	var at reference
	decode(t, manifest.Config, &at)
	decode(t, open(t, files, at), &config)
	var run struct {
		User            string
		Entrypoint, Cmd []string
	}
	decode(t, config.Config, &run)
	dir := filepath.Join(t.TempDir(), "root")
	for _, l := range manifest.Layers {
		unpack(t, dir, open(t, files, l))
	}
	if got := fmt.Sprint(run.User, run.Entrypoint, run.Cmd); got != "65532:65532[/cloister] [serve /etc/cloister/site]" {
		t.Errorf("it runs %s", got)
	}
	if got := inside(t, dir, run.Entrypoint[0], "version"); !strings.HasPrefix(got, "cloister v0.0.0-image\n") {
		t.Errorf("version printed %q", got)
	}
}

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v\n%.500s", err, text)
	}
}

// open returns a blob whose digest and size are what is said of it.
func open(t *testing.T, files map[string][]byte, r reference) []byte {
	t.Helper()
	content := files["blobs/sha256/"+strings.TrimPrefix(r.Digest, "sha256:")]
	sum := sha256.Sum256(content)
	if r.Digest != "sha256:"+hex.EncodeToString(sum[:]) || r.Size != len(content) {
		t.Fatalf("the blob %s has another digest or size", r.Digest)
	}
	return content
}

func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	each(t, bytes.NewReader(content), func(h *tar.Header, content []byte) error {
		files[h.Name] = content
		return nil
	})
	return files
}

// unpack applies a layer; owners only where the test is root.
func unpack(t *testing.T, dir string, layer []byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	each(t, z, func(h *tar.Header, content []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		var err error
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(path, 0o755)
		} else {
			err = os.WriteFile(path, content, 0o644)
		}
		if os.Geteuid() == 0 {
			err = errors.Join(err, os.Chown(path, h.Uid, h.Gid))
		}
		return errors.Join(err, os.Chmod(path, h.FileInfo().Mode()))
	})
}

func each(t *testing.T, from io.Reader, f func(*tar.Header, []byte) error) {
	t.Helper()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(r)
		}
		if err == nil {
			err = f(h, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// inside runs a program of an unpacked image.
func inside(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, program), args...)
	cmd.Env = []string{}
	if os.Geteuid() == 0 {
		cmd = exec.Command(program, args...)
		cmd.Dir, cmd.Env = "/", []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}
