package site

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Artifacts is what an artifacts folder defines for the policies in it, by
// name.
type Artifacts struct {
	// NamedValues have their literal values; those that rest elsewhere, and
	// those whose document cannot be read, have none.
	NamedValues []*NamedValue
	// The others are ids.
	Fragments, Backends, Loggers, Certificates []string
}

// ReadArtifacts reads what the artifacts folder fsys defines, for who checks a
// policy and no site. It asks for nothing else to be in order, and takes what
// has a folder as defined: what is wrong with its document is for [Load] to
// say. API Management's certificates are in no extract; the folder
// "certificates" is looked into all the same.
func ReadArtifacts(fsys fs.FS) *Artifacts {
	rd := &reading{files: map[string][]byte{}, r: newReport(), fsys: inApim{fsys}}
	read := func(collections ...string) []string {
		for _, c := range collections {
			if info, err := fs.Stat(fsys, c); err == nil && info.IsDir() {
				rd.entry(path.Join(apimDir, c), 1)
			}
		}
		return (&folder{files: rd.files}).resources(collections...)
	}
	a := &Artifacts{
		Fragments: read("policy fragments", "policyFragments"), Backends: read("backends"),
		Loggers: read("loggers"), Certificates: read("certificates"),
	}
	a.namedValues(rd, read("named values", "namedValues"))
	return a
}

// namedValues takes those whose documents can be read, and the names of the
// others' folders.
func (a *Artifacts) namedValues(rd *reading, ids []string) {
	l := &apimLoader{
		folder: &folder{files: rd.files, claimed: map[string]bool{}}, r: rd.r, service: &Service{},
		used: map[string]bool{},
	}
	for _, c := range []string{"named values", "namedValues"} {
		l.namedValues(path.Join(apimDir, c))
	}
	a.NamedValues = l.service.NamedValues
	for _, id := range ids {
		known := slices.ContainsFunc(a.NamedValues, func(v *NamedValue) bool { return strings.EqualFold(v.ID, id) })
		if !known {
			a.NamedValues = append(a.NamedValues, &NamedValue{ID: id, Name: id})
		}
	}
}

// inApim puts a file system into the folder apim.
type inApim struct{ fs.FS }

func (b inApim) Open(name string) (fs.File, error) {
	rest, ok := strings.CutPrefix(name, apimDir+"/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return b.FS.Open(rest)
}
