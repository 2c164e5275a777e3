package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// userID is the user and the group of the program: above those that a
// distribution gives out, and what others call "nonroot".
const userID = 65532

// layer is one layer, as a registry stores it and as a runtime unpacks it.
type layer struct {
	compressed []byte
	diffID     string // digest of the tar file
}

// entry is one file or directory of a layer; a name that ends with a slash is
// a directory. What names no owner is root's, and nobody else may write it.
type entry struct {
	name    string
	mode    int64
	owner   int
	content []byte
}

// programLayer holds the program alone: it is what a new version changes.
func programLayer(program []byte) (layer, error) {
	return pack([]entry{{name: "cloister", mode: 0o755, content: program}})
}

// baseLayer is the same for all platforms.
func baseLayer() (layer, error) {
	roots, err := rootsPEM()
	if err != nil {
		return layer{}, err
	}
	user := fmt.Sprintf("root:x:0:0:root:/:/nologin\ncloister:x:%d:%d:cloister:/var/lib/cloister:/nologin\n", userID, userID)
	group := fmt.Sprintf("root:x:0:\ncloister:x:%d:\n", userID)
	return pack([]entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/cloister/", mode: 0o755},
		// Where the site is mounted.
		{name: "etc/cloister/site/", mode: 0o755},
		{name: "etc/group", mode: 0o644, content: []byte(group)},
		{name: "etc/passwd", mode: 0o644, content: []byte(user)},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: roots},
		// A mount point for temporary files where the root is read-only.
		{name: "tmp/", mode: 0o1777},
		{name: "var/", mode: 0o755},
		{name: "var/lib/", mode: 0o755},
		// state.directory; a new volume takes owner and mode from here.
		{name: "var/lib/cloister/", mode: 0o700, owner: userID},
	})
}

// rootsPEM are the roots that Mozilla trusts. Those that it trusts in part only
// are left out: a file cannot say in which part.
func rootsPEM() ([]byte, error) {
	var b bytes.Buffer
	n := 0
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
		n++
	}
	if n < 50 {
		return nil, fmt.Errorf("only %d roots", n)
	}
	return b.Bytes(), nil
}

// pack writes the tar file without a word about when and by whom.
func pack(entries []entry) (layer, error) {
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, e := range entries {
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.content)),
			Uid: e.owner, Gid: e.owner, Format: tar.FormatUSTAR,
		}
		if e.name[len(e.name)-1] == '/' {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return layer{}, fmt.Errorf("%s: %w", e.name, err)
		}
		if _, err := w.Write(e.content); err != nil {
			return layer{}, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return layer{}, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain.Bytes()); err != nil {
		return layer{}, err
	}
	if err := z.Close(); err != nil {
		return layer{}, err
	}
	return layer{packed.Bytes(), digest(plain.Bytes())}, nil
}

// readProgram reads a program, which has to run without anything beside it.
func readProgram(path, arch string) ([]byte, error) {
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("%s: not a program for Linux: %w", path, err)
	}
	want, known := machines[arch]
	switch {
	case !known:
		return nil, fmt.Errorf("no architecture %q; mend: amd64 or arm64", arch)
	case f.Machine != want:
		return nil, fmt.Errorf("%s is for %s, not for %s", path, f.Machine, arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return nil, errors.New(path + " is not static; mend: build it with CGO_ENABLED=0")
		}
	}
	return program, nil
}
