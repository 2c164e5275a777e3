package openai

import (
	"errors"
	"net/url"
	"strings"
)

// Match finds the operation that a request names. The path is escaped
// (url.URL.EscapedPath), so that an escaped slash inside a deployment name
// stays inside it; the deployment is returned decoded, and empty on surfaces
// that name the model elsewhere.
//
// Any prefix may stand before a surface's root, since an API may be published
// anywhere; the first root from the left below which an operation stands
// counts. Literal segments are compared without case and one slash at the end
// is ignored: a backend that is lenient there must not be reached unscanned.
// A path with a malformed escape matches nothing.
func Match(method, path string) (o *Operation, deployment string, ok bool) {
	rest := strings.TrimSuffix(path, "/")
	for rest != "" {
		var seg string
		seg, rest = cutSegment(rest)
		switch {
		case fold(seg, "openai"):
			o, deployment = matchRoot(method, rest)
		case fold(seg, "deployments"):
			o, deployment = matchDeployment(method, rest)
		case fold(seg, "v1"):
			o = find(v1Table, method, rest)
		case fold(seg, "models"):
			o = find(inferenceTable, method, rest)
		}
		if o != nil {
			return o, deployment, true
		}
	}
	return nil, "", false
}

// matchRoot matches what stands below /openai.
func matchRoot(method, path string) (*Operation, string) {
	seg, rest := cutSegment(path)
	switch {
	case fold(seg, "deployments"):
		return matchDeployment(method, rest)
	case fold(seg, "v1"):
		return find(v1Table, method, rest), ""
	}
	return find(resourceTable, method, path), ""
}

// matchDeployment matches what stands below /deployments.
func matchDeployment(method, path string) (*Operation, string) {
	seg, rest := cutSegment(path)
	o := find(deploymentOps, method, rest)
	if o == nil || seg == "" {
		return nil, ""
	}
	name, err := url.PathUnescape(seg)
	if err != nil {
		return nil, ""
	}
	return o, name
}

// cutSegment returns the first segment of a path that begins with a slash,
// and what follows it.
func cutSegment(path string) (seg, rest string) {
	if path != "" && path[0] == '/' {
		path = path[1:]
	}
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

func find(ops []*Operation, method, path string) *Operation {
	if path == "" {
		return nil
	}
	for _, o := range ops {
		if (o.Method == method || o.Method == "*") && matches(o.Name, path[1:]) {
			return o
		}
	}
	return nil
}

// matches compares a path with a pattern: "{…}" is one segment, "{*}" at the
// end any number of them, none included.
func matches(pattern, path string) bool {
	for {
		want, morePattern, hasMore := strings.Cut(pattern, "/")
		if want == "{*}" {
			return true
		}
		seg, rest := path, ""
		i := strings.IndexByte(path, '/')
		if i >= 0 {
			seg, rest = path[:i], path[i+1:]
		}
		if want[0] == '{' {
			if seg == "" {
				return false
			}
		} else if !fold(seg, want) {
			return false
		}
		if !hasMore {
			return i < 0
		}
		if i < 0 {
			return morePattern == "{*}"
		}
		pattern, path = morePattern, rest
	}
}

// fold compares a path segment with a lower-case literal without case. A
// segment that is escaped without need is decoded first: "chat" and "%63hat"
// name one thing.
func fold(seg, literal string) bool {
	if strings.IndexByte(seg, '%') >= 0 {
		s, err := url.PathUnescape(seg)
		if err != nil {
			return false
		}
		seg = s
	}
	return len(seg) == len(literal) && strings.EqualFold(seg, literal)
}

// ErrAmbiguousQuery is returned for a query that names a model twice, or that
// two readers would split differently.
var ErrAmbiguousQuery = errors.New("openai: the query names the model more than once")

// QueryModel returns the model that a query names: "deployment" or "model" of
// a realtime session. Empty: none. Only operations with Upgrade name a model
// there.
func QueryModel(rawQuery string) (string, error) {
	if strings.IndexByte(rawQuery, ';') >= 0 {
		return "", ErrAmbiguousQuery
	}
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", ErrAmbiguousQuery
	}
	model, found := "", false
	for name, values := range q {
		if !strings.EqualFold(name, "deployment") && !strings.EqualFold(name, "model") {
			continue
		}
		if found || len(values) != 1 {
			return "", ErrAmbiguousQuery
		}
		model, found = values[0], true
	}
	return model, nil
}
