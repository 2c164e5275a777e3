package site

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Bounds of a site as a whole.
const (
	maxSiteBytes = 64 << 20
	maxFileBytes = 16 << 20
	maxFiles     = 10_000
	maxDepth     = 16
)

// reading is one pass over the files of a site.
type reading struct {
	files  map[string][]byte
	digest string
	r      *report
	fsys   fs.FS
	bytes  int
	count  int
	full   bool
}

// readFiles reads every file that belongs to the site: cloister.yaml, the
// folders apim, network, access and tls, and the certificates that cloister.yaml
// names elsewhere. Everything else in the directory, state above all, is left
// alone. Private keys are never opened.
func readFiles(fsys fs.FS) *reading {
	rd := &reading{files: map[string][]byte{}, r: newReport(), fsys: fsys}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		rd.r.Add(Pos{}, "unreadable", "a directory", "", "reading the site's directory: %s", cause(err))
		return rd
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "cloister.yaml" || name == "cloister.yml":
			rd.file(name)
		case siteFolder(name):
			rd.entry(name, 1)
		}
	}
	rd.named()
	rd.digest = rd.sum()
	return rd
}

// cause drops the path of the machine from an error: it is not the site's.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// entry reads a file, or all files below a directory. Hidden names are left
// out: version control, and the hidden directories through which Kubernetes
// swaps what it mounts. Symbolic links are followed as far as the file system
// lets them; that of [Load] refuses those that lead outside.
func (rd *reading) entry(p string, depth int) {
	if rd.full {
		return
	}
	info, err := fs.Stat(rd.fsys, p)
	switch {
	case err != nil:
		rd.unreadable(p, err)
	case info.IsDir():
		rd.dir(p, depth)
	case !info.Mode().IsRegular():
		rd.r.Add(Pos{File: p}, "unreadable", "a file", "", "this is neither a file nor a directory")
	default:
		rd.file(p)
	}
}

func (rd *reading) unreadable(p string, err error) {
	link := false
	if l, ok := rd.fsys.(interface {
		Lstat(string) (fs.FileInfo, error)
	}); ok {
		info, lerr := l.Lstat(p)
		link = lerr == nil && info.Mode()&fs.ModeSymlink != 0
	}
	if link {
		rd.r.Add(Pos{File: p}, "symlink", "a link to a file inside the site", "copy the file into the site",
			"the symbolic link leads outside the site's directory, or nowhere")
		return
	}
	rd.r.Add(Pos{File: p}, "unreadable", "a file that can be read", "", "reading the file: %s", cause(err))
}

func (rd *reading) dir(p string, depth int) {
	if depth > maxDepth {
		rd.full = true
		rd.r.Add(Pos{File: p}, "too-large", fmt.Sprintf("at most %d levels of folders", maxDepth),
			"remove links that lead back", "the folders are nested too deeply")
		return
	}
	entries, err := fs.ReadDir(rd.fsys, p)
	if err != nil {
		rd.unreadable(p, err)
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			rd.entry(path.Join(p, e.Name()), depth+1)
		}
	}
}

// file reads one file into files, unless it is or looks like a private key.
func (rd *reading) file(p string) {
	if _, ok := rd.files[p]; ok || rd.full {
		return
	}
	if strings.HasPrefix(p, "tls/") && !isCertificateName(p) {
		return
	}
	if rd.count++; rd.count > maxFiles {
		rd.full = true
		rd.r.Add(Pos{}, "too-large", fmt.Sprintf("at most %d files", maxFiles), "", "the site has too many files")
		return
	}
	data, err := rd.read(p)
	switch {
	case err != nil:
		rd.unreadable(p, err)
	case len(data) > maxFileBytes:
		rd.r.Add(Pos{File: p}, "too-large", "at most "+byteSize(maxFileBytes), "", "the file is too large")
	case rd.bytes+len(data) > maxSiteBytes:
		rd.full = true
		rd.r.Add(Pos{File: p}, "too-large", "at most "+byteSize(maxSiteBytes)+" in all", "", "the site is too large")
	case strings.HasPrefix(p, "tls/") && hasPrivateKey(data):
		rd.r.Add(Pos{File: p}, "secret-in-clear", "certificates only", "put the key into a file of its own that ends in .key, and name it with key:",
			"the file holds a private key beside its certificates")
	default:
		rd.bytes += len(data)
		rd.files[p] = data
	}
}

// read never takes more than a byte beyond the bound into memory.
func (rd *reading) read(p string) ([]byte, error) {
	f, err := rd.fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// isCertificateName reports whether a file in tls/ is read: certificates, by
// their usual names. Keys are not, whatever they are called.
func isCertificateName(p string) bool {
	name := strings.ToLower(path.Base(p))
	switch path.Ext(name) {
	case ".pem", ".crt", ".cer":
	default:
		return false
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	return stem != "key" && stem != "privkey" && !strings.HasSuffix(stem, "-key") &&
		!strings.HasSuffix(stem, "_key") && !strings.HasSuffix(stem, ".key")
}

func hasPrivateKey(data []byte) bool { return strings.Contains(string(data), "PRIVATE KEY-----") }

// named reads the certificates that cloister.yaml names outside tls/.
func (rd *reading) named() {
	for _, name := range []string{"cloister.yaml", "cloister.yml"} {
		data, ok := rd.files[name]
		if !ok {
			continue
		}
		c := decodeConfig(newSource(name, data), newReport())
		if c == nil {
			continue
		}
		for _, p := range c.certificates() {
			if info, err := fs.Stat(rd.fsys, p); fs.ValidPath(p) && err == nil && info.Mode().IsRegular() {
				rd.certificate(p)
			}
		}
	}
}

func (rd *reading) certificate(p string) {
	if _, ok := rd.files[p]; ok || !isCertificateName(p) {
		return
	}
	data, err := rd.read(p)
	if err == nil && len(data) <= 1<<20 && !hasPrivateKey(data) {
		rd.files[p] = data
	}
}

// certificates are the site-relative certificate files that cloister.yaml names.
func (c *decodedConfig) certificates() map[string]string {
	files := map[string]string{}
	add := func(place, p string) {
		if p != "" {
			files[place] = p
		}
	}
	for i, h := range c.Hostnames {
		add(fmt.Sprintf("hostnames[%d].certificate", i), h.Certificate)
		add(fmt.Sprintf("hostnames[%d].clientCA", i), h.ClientCA)
	}
	for i, is := range c.Tokens.Issuers {
		add(fmt.Sprintf("tokens.issuers[%d].caFile", i), is.CAFile)
	}
	for i, d := range c.Destinations.Call {
		add(fmt.Sprintf("destinations.call[%d].caFile", i), d.CAFile)
	}
	for i, d := range c.Destinations.Identity {
		add(fmt.Sprintf("destinations.identity[%d].caFile", i), d.CAFile)
	}
	for id, k := range c.Certificates {
		add("certificates."+id+".certificate", k.Certificate)
	}
	for id, b := range c.Backends {
		add("backends."+id+".caFile", b.CAFile)
		if s := b.Credential.ClientSecret; s != nil {
			add("backends."+id+".credential.clientSecret.caFile", s.CAFile)
		}
	}
	add("telemetry.otlp.caFile", c.Telemetry.OTLP.CAFile)
	add("admin.clientCA", c.Admin.ClientCA)
	add("keyVault.caFile", c.KeyVault.CAFile)
	if s := c.KeyVault.Credential.ClientSecret; s != nil {
		add("keyVault.credential.clientSecret.caFile", s.CAFile)
	}
	if c.State.Postgres != nil {
		add("state.postgres.caFile", c.State.Postgres.CAFile)
	}
	if c.Audit.Witness != nil {
		add("audit.witness.caFile", c.Audit.Witness.CAFile)
	}
	return files
}

// sum is the digest over every file's path and content, each with its length,
// so that no two sites have one.
func (rd *reading) sum() string {
	h := sha256.New()
	for _, p := range sortedKeys(rd.files) {
		part(h, []byte(p))
		part(h, rd.files[p])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func part(h hash.Hash, b []byte) {
	fmt.Fprintf(h, "%d:", len(b))
	h.Write(b)
}
