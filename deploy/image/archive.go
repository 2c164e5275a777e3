package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Media types of the OCI image specification 1.1.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor points at a blob. Source: descriptor.md of the specification.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// manifest is also an index: one has layers, the other manifests.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        *descriptor       `json:"config,omitempty"`
	Layers        []descriptor      `json:"layers,omitempty"`
	Manifests     []descriptor      `json:"manifests,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// imageConfig is what a runtime reads. Source: config.md of the specification.
type imageConfig struct {
	Created      string    `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       execution `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type execution struct {
	User       string            `json:"User"`
	Entrypoint []string          `json:"Entrypoint"`
	Cmd        []string          `json:"Cmd"`
	WorkingDir string            `json:"WorkingDir"`
	Labels     map[string]string `json:"Labels"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// archive is an OCI image layout in memory.
type archive struct {
	blobs map[string][]byte // by digest
	index []byte
}

func newArchive() *archive { return &archive{blobs: map[string][]byte{}} }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (l *archive) add(mediaType string, blob []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digest(blob), Size: int64(len(blob))}
	l.blobs[d.Digest] = blob
	return d
}

func (l *archive) addJSON(mediaType string, v any) (descriptor, error) {
	b, err := json.Marshal(v)
	return l.add(mediaType, b), err
}

// image adds the image of one platform.
func (l *archive) image(p platform, layers []layer, a about) (descriptor, error) {
	created := a.created.Format(time.RFC3339)
	c := imageConfig{
		Created: created, Architecture: p.Architecture, OS: p.OS,
		Config: execution{
			User:       fmt.Sprintf("%d:%d", userID, userID),
			Entrypoint: []string{"/cloister"},
			Cmd:        []string{"serve", "/etc/cloister/site"},
			WorkingDir: "/",
			Labels:     a.labels(),
		},
		RootFS: rootFS{Type: "layers"},
	}
	m := manifest{SchemaVersion: 2, MediaType: manifestType, Annotations: a.labels()}
	for _, one := range layers {
		m.Layers = append(m.Layers, l.add(layerType, one.compressed))
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, one.diffID)
		c.History = append(c.History, history{created, "deploy/image"})
	}
	config, err := l.addJSON(configType, c)
	if err != nil {
		return descriptor{}, err
	}
	m.Config = &config
	d, err := l.addJSON(manifestType, m)
	d.Platform = &p
	return d, err
}

// labels are annotations.md's of the specification.
func (a about) labels() map[string]string {
	const source = "https://github.com/cloister-ai/cloister"
	return map[string]string{
		"org.opencontainers.image.title":         "cloister",
		"org.opencontainers.image.description":   "Private, zero-trust access to Azure OpenAI",
		"org.opencontainers.image.source":        source,
		"org.opencontainers.image.documentation": source + "/blob/main/docs/running.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       a.version,
		"org.opencontainers.image.revision":      a.revision,
		"org.opencontainers.image.created":       a.created.Format(time.RFC3339),
	}
}

// finish makes the index of all images the one thing that the layout names.
func (l *archive) finish(images []descriptor, a about) error {
	all, err := l.addJSON(indexType, manifest{SchemaVersion: 2, MediaType: indexType, Manifests: images, Annotations: a.labels()})
	if err != nil {
		return err
	}
	all.Annotations = map[string]string{"org.opencontainers.image.ref.name": a.version}
	l.index, err = json.Marshal(manifest{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{all}})
	return err
}

// write writes the archive. Source: image-layout.md of the specification.
func (l *archive) write(to io.Writer) error {
	w := tar.NewWriter(to)
	put := func(name string, content []byte) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	if err := put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	if err := put("index.json", l.index); err != nil {
		return err
	}
	for _, d := range slices.Sorted(maps.Keys(l.blobs)) {
		if err := put("blobs/sha256/"+d[len("sha256:"):], l.blobs[d]); err != nil {
			return err
		}
	}
	return w.Close()
}
