package site

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// attempts is how often a site is read again that changes while it is read.
const attempts = 3

// Load reads the site in dir. Symbolic links are followed inside dir only. The
// problems are sorted; with an error among them the site is nil. Warnings and
// notes may come with a site.
func Load(dir string) (*Site, Problems) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, unreadableSite(err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, unreadableSite(err)
	}
	defer root.Close()
	return LoadFS(root.FS(), abs)
}

func unreadableSite(err error) Problems {
	var ps Problems
	ps.Add(Pos{}, "unreadable", "the directory of a site", "", "reading the site's directory: %s", cause(err))
	return ps
}

// LoadFS is [Load] from a file system; dir is kept as [Site.Dir]. Whether
// symbolic links may lead outside is up to the file system.
func LoadFS(fsys fs.FS, dir string) (*Site, Problems) {
	rd, steady := readTwice(fsys)
	r := rd.r
	if !steady {
		r.Add(Pos{}, "changed-while-reading", "files that stand still", "try again when the change is complete",
			"the site changed while it was read")
	}
	if r.HasErrors() {
		return nil, r.finish()
	}
	s := &Site{Dir: dir, Digest: rd.digest, Files: rd.files}
	config := readConfig(rd, r)
	accepted := map[string]AcceptedField{}
	if config != nil {
		for _, a := range config.AcceptedFields {
			accepted[a.Path] = a
		}
	}
	service, used := loadService(rd.files, config, accepted, r)
	s.Service = service
	s.Network = loadNetwork(rd.files, config, accepted, used, r)
	notBuilt(rd.files, r)
	if config != nil {
		s.Config = config.Config
		c := newChecker(config, service, rd.files, r)
		c.network = s.Network
		c.checkConfig()
		c.checkReferences()
		c.place()
		c.namedValues()
		c.keyVault()
		c.filesExist(fsys, rd.files)
		c.unusedAccepted(used)
	}
	if r.HasErrors() {
		return nil, r.finish()
	}
	return s, r.finish()
}

// readTwice reads until two readings in a row have one digest. What went wrong
// in the last reading counts: a file that could not be read may be one that
// was being replaced.
func readTwice(fsys fs.FS) (*reading, bool) {
	last := readFiles(fsys)
	for range attempts {
		next := readFiles(fsys)
		if next.digest == last.digest && len(next.r.Problems) == len(last.r.Problems) {
			return next, true
		}
		last = next
	}
	return last, false
}

// readConfig decodes cloister.yaml, or cloister.yml.
func readConfig(rd *reading, r *report) *decodedConfig {
	data, ok := rd.files["cloister.yaml"]
	other, both := rd.files["cloister.yml"]
	switch {
	case ok && both:
		r.Add(Pos{File: "cloister.yml"}, "duplicate-name", "one of the two", "remove one",
			"the site has both cloister.yaml and cloister.yml")
		return nil
	case both:
		return decodeConfig(r.source("cloister.yml", other), r)
	case !ok:
		r.Add(Pos{File: "cloister.yaml"}, "missing-file", "cloister.yaml in the site's directory",
			`run "cloister init DIR" for a site to begin with`, "the site has no cloister.yaml")
		return nil
	}
	return decodeConfig(r.source("cloister.yaml", data), r)
}

// notBuilt refuses documents that are meant to protect and are not read yet.
func notBuilt(files map[string][]byte, r *report) {
	for _, p := range sortedKeys(files) {
		switch strings.ToLower(path.Ext(p)) {
		case ".md", ".txt":
			continue // prose
		}
		if strings.HasPrefix(p, "access/") {
			r.Add(Pos{File: p}, "not-built", "no documents in access/",
				"take the document out of the site until it is", "access policies are not built yet, so this document would protect nothing")
		}
	}
}

// filesExist checks the certificates and keys that cloister.yaml names. Keys
// are looked for and never opened.
func (c *checker) filesExist(fsys fs.FS, files map[string][]byte) {
	for place, p := range c.certificates() {
		if !fs.ValidPath(p) {
			continue // reported where the path was checked
		}
		data, ok := files[p]
		pos := c.at("%s", place)
		switch _, err := fs.Stat(fsys, p); {
		case errors.Is(err, fs.ErrNotExist):
			c.r.Add(pos, "missing-file", "a PEM file inside the site", "", "there is no file %q", p)
		case err != nil:
			c.r.Add(pos, "unreadable", "a PEM file inside the site", "", "%q cannot be read: %s", p, cause(err))
		case !ok:
			c.r.Add(pos, "invalid-value", "a file of certificates alone, named .pem, .crt or .cer and not as a key", "",
				"%q is not read as a certificate", p)
		case !strings.Contains(string(data), "-----BEGIN CERTIFICATE-----"):
			c.r.Add(pos, "invalid-value", "a PEM file with BEGIN CERTIFICATE", "", "%q holds no certificate", p)
		}
	}
	for i, h := range c.Hostnames {
		c.keyExists(fsys, h.Key, c.at("hostnames[%d].key", i))
	}
	for _, id := range slices.Sorted(maps.Keys(c.Certificates)) {
		c.keyExists(fsys, c.Certificates[id].Key, c.at("certificates.%s.key", id))
	}
}

// keyExists looks for a key, which is never opened.
func (c *checker) keyExists(fsys fs.FS, key string, pos Pos) {
	if key == "" || !fs.ValidPath(key) {
		return
	}
	if strings.HasPrefix(key, "tls/") && isCertificateName(key) {
		c.r.Add(pos, "invalid-value", "a name by which it is known as a key", "name it "+strings.TrimSuffix(key, path.Ext(key))+".key",
			"%q is named as a certificate is, so it would be read", key)
		return
	}
	if _, err := fs.Stat(fsys, key); err != nil {
		c.r.Add(pos, "missing-file", "a PEM file inside the site", "", "there is no file %q that can be read", key)
	}
}

// unusedAccepted warns of acceptedFields that meet no field: a change of the
// document, or a slip, has made them void.
func (c *checker) unusedAccepted(used map[string]bool) {
	for _, a := range c.AcceptedFields {
		if !used[a.Path] && strings.Contains(a.Path, "#") {
			c.r.Warn(a.Pos, "accepted-field-unused", "remove it", "no field that needs accepting stands at %q", a.Path)
		}
	}
}
