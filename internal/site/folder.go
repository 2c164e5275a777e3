package site

import (
	"path"
	"slices"
	"strings"
)

// folder gives the files of the site as folders, and remembers which of them
// were read, so that no file is skipped in silence.
type folder struct {
	files   map[string][]byte
	claimed map[string]bool
}

// dirs are the names of the folders directly in dir, sorted.
func (f *folder) dirs(dir string) []string {
	var names []string
	for p := range f.files {
		rest, ok := strings.CutPrefix(p, dir+"/")
		if name, _, deeper := strings.Cut(rest, "/"); ok && deeper {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// resources are the ids that have a folder in one of the collections, whether
// or not their documents were accepted: who names one of them makes no mistake.
func (f *folder) resources(collections ...string) []string {
	var ids []string
	for _, c := range collections {
		for _, name := range f.dirs(path.Join(apimDir, c)) {
			id, _, _ := strings.Cut(name, ";rev=")
			if findFold(ids, id) == "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// skip claims all files below dir: what is wrong with the folder was said.
func (f *folder) skip(dir string) {
	for _, p := range f.unclaimed(dir) {
		f.claimed[p] = true
	}
}

// in are the paths of the files directly in dir, sorted.
func (f *folder) in(dir string) []string {
	var paths []string
	for p := range f.files {
		if path.Dir(p) == dir {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// take is the content of a file that is now read.
func (f *folder) take(p string) ([]byte, bool) {
	data, ok := f.files[p]
	if ok {
		f.claimed[p] = true
	}
	return data, ok
}

// unclaimed are the paths below dir that nothing read, sorted.
func (f *folder) unclaimed(dir string) []string {
	var paths []string
	for p := range f.files {
		if strings.HasPrefix(p, dir+"/") && !f.claimed[p] {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}
