package site

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// checkAPIs is what can be known of all APIs together.
func (l *apimLoader) checkAPIs() {
	l.revisionsOnce()
	current, paths := map[string]*API{}, map[string]*API{}
	for _, a := range l.service.APIs {
		id := strings.ToLower(a.ID)
		l.versioned(a)
		if !a.IsCurrent {
			continue
		}
		if first := current[id]; first != nil {
			l.r.Add(a.Pos, "duplicate-name", "one current revision", `write "isCurrent": false in one`,
				"revisions %q and %q of %q are both current", first.Revision, a.Revision, a.ID)
			continue
		}
		current[id] = a
		key := strings.ToLower(a.Path) + "\x00" + strings.ToLower(a.Version)
		if first := paths[key]; first != nil {
			l.r.Add(a.Pos, "duplicate-name", "a path and version of its own", "",
				"the APIs %q and %q have one path %q and one version", first.ID, a.ID, "/"+a.Path)
			continue
		}
		paths[key] = a
	}
	l.onePath(current)
	l.shadowed()
	for _, a := range l.service.APIs {
		if current[strings.ToLower(a.ID)] == nil {
			l.r.Warn(a.Pos, "no-current-revision", `write "isCurrent": true in one`,
				"no revision of %q is current, so only requests that name one are served", a.ID)
			current[strings.ToLower(a.ID)] = a
		}
	}
}

// onePath reports revisions that stand elsewhere than the current one: the path
// is the API's, and ";rev=N" in it names the revision.
func (l *apimLoader) onePath(current map[string]*API) {
	for _, a := range l.service.APIs {
		if c := current[strings.ToLower(a.ID)]; c != nil && !strings.EqualFold(c.Path, a.Path) {
			l.r.Add(a.Pos, "invalid-value", fmt.Sprintf("the path %q", c.Path), "extract the API again, or write one path in both",
				"revision %q of %q has the path %q, and the current revision %q", a.Revision, a.ID, "/"+a.Path, "/"+c.Path)
		}
	}
}

// shadowed warns of operations that no request reaches, because their first
// segment is the version of another API on the same path, which comes first.
func (l *apimLoader) shadowed() {
	for _, v := range l.service.APIs {
		set := l.versionSet(v.VersionSetID)
		if !v.IsCurrent || v.Version == "" || set == nil || set.Scheme != VersioningSegment {
			continue
		}
		for _, a := range l.service.APIs {
			if a == v || a.Version != "" || !strings.EqualFold(a.Path, v.Path) {
				continue
			}
			if o := beginsWith(a.Operations, v.Version); o != nil {
				l.r.Warn(o.Pos, "shadowed-operation", "give one of the APIs another path",
					"%s %s of the API %q is never reached: %q is a version of the API %q on the path %q",
					o.Method, o.URLTemplate, a.ID, v.Version, v.ID, "/"+v.Path)
			}
		}
	}
}

func (l *apimLoader) versionSet(id string) *VersionSet {
	for _, s := range l.service.VersionSets {
		if strings.EqualFold(s.ID, id) {
			return s
		}
	}
	return nil
}

// beginsWith is the first operation whose template begins with a segment.
func beginsWith(ops []*Operation, segment string) *Operation {
	for _, o := range ops {
		first, _, _ := strings.Cut(strings.TrimPrefix(o.URLTemplate, "/"), "/")
		if strings.EqualFold(first, segment) {
			return o
		}
	}
	return nil
}

// revisionsOnce reports a revision that stands in two folders. Of NAME and
// NAME;rev=N the second is left from before N became current: extractors write
// the current revision to NAME and remove nothing. It is left out.
func (l *apimLoader) revisionsOnce() {
	plain := map[string]*API{}
	for _, a := range l.service.APIs {
		if a.IsCurrent && !inRevisionFolder(a) {
			plain[strings.ToLower(a.ID+";rev="+a.Revision)] = a
		}
	}
	l.service.APIs = slices.DeleteFunc(l.service.APIs, func(a *API) bool {
		counts := plain[strings.ToLower(a.ID+";rev="+a.Revision)]
		if counts == nil || !inRevisionFolder(a) {
			return false
		}
		l.r.Warn(a.Pos, "duplicate-name", "remove this folder",
			"revision %q of %q stands here and in %s, which counts", a.Revision, a.ID, counts.Pos.File)
		return true
	})
	seen := map[string]*API{}
	for _, a := range l.service.APIs {
		key := strings.ToLower(a.ID + ";rev=" + a.Revision)
		first := seen[key]
		if first == nil {
			seen[key] = a
			continue
		}
		l.r.Add(a.Pos, "duplicate-name", "each revision once", "remove the folder that is out of date",
			"revision %q of %q stands here and in %s", a.Revision, a.ID, first.Pos.File)
	}
}

func inRevisionFolder(a *API) bool { return strings.Contains(path.Base(path.Dir(a.Pos.File)), ";rev=") }

func (l *apimLoader) versioned(a *API) {
	if a.VersionSetID == "" {
		if a.Version != "" {
			l.r.Add(a.Pos, "missing-field", "apiVersionSetId", "", "the API %q has a version and no version set", a.ID)
		}
		return
	}
	ids := l.resources("version sets", "versionSets", "apiVersionSets")
	if findFold(ids, a.VersionSetID) == "" {
		l.r.Add(a.Pos, "unknown-reference", oneOf(ids), didYouMean(a.VersionSetID, ids),
			"the API %q names the version set %q, which is not in apim/version sets", a.ID, a.VersionSetID)
	}
}
