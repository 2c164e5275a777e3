package site

import (
	"fmt"
	"path"
	"strings"
)

const (
	apimDir = "apim"
	// maxPolicyBytes is the size of a policy document.
	maxPolicyBytes = 1 << 20
	policyFile     = "policy.xml"
)

func informationBounds() bounds { return bounds{bytes: 1 << 20, values: 100_000, depth: 64} }

// apimLoader reads an APIOps artifacts folder.
type apimLoader struct {
	*folder
	r       *report
	service *Service
	// config is cloister.yaml, nil where it could not be read.
	config   *decodedConfig
	accepted map[string]AcceptedField
	used     map[string]bool
}

// collection is a folder of resources of one type. Both spellings of a name
// are in use: with spaces by the toolkit, in camel case by the newer one.
type collection struct {
	names []string
	load  func(dir string)
}

func (l *apimLoader) collections() []collection {
	return []collection{
		{[]string{"version sets", "versionSets", "apiVersionSets"}, l.versionSets},
		{[]string{"named values", "namedValues"}, l.namedValues},
		{[]string{"policy fragments", "policyFragments"}, l.fragments},
		{[]string{"backends"}, l.backends},
		{[]string{"apis"}, l.apis},
		{[]string{"products"}, l.products},
		{[]string{"subscriptions"}, l.subscriptions},
		{[]string{"groups"}, l.groups},
		{[]string{"tags"}, l.tags},
		{[]string{"gateways"}, l.gateways},
		{[]string{"loggers"}, l.loggers},
		{[]string{"diagnostics"}, func(dir string) { l.diagnostics(dir, "") }},
		{[]string{"policyRestrictions", "policy restrictions"}, l.restrictions},
	}
}

// inertFolders hold what has no effect on requests.
func inertFolders() []string {
	return []string{schemaDir, "documentations", "wikis", "releases", "tagDescriptions", "tags", "issues"}
}

// loadService reads apim/. The service it returns may be incomplete when there
// are errors.
func loadService(files map[string][]byte, config *decodedConfig, accepted map[string]AcceptedField, r *report) (s *Service, used map[string]bool) {
	l := &apimLoader{
		folder: &folder{files: files, claimed: map[string]bool{}}, r: r, service: &Service{},
		config: config, accepted: accepted, used: map[string]bool{},
	}
	l.service.Policy = l.policy(apimDir)
	for _, c := range l.collections() {
		l.oneSpelling(c.names)
		for _, name := range c.names {
			c.load(path.Join(apimDir, name))
		}
	}
	l.schemas(path.Join(apimDir, schemaDir))
	l.links()
	l.checkAPIs()
	l.leftOver()
	return l.service, l.used
}

// oneSpelling reports a collection that stands under two names: an extract of
// one tool on top of that of another, of which one is out of date.
func (l *apimLoader) oneSpelling(names []string) {
	first := ""
	for _, name := range names {
		dir := path.Join(apimDir, name)
		switch {
		case len(l.dirs(dir)) == 0:
		case first == "":
			first = dir
		default:
			l.r.Add(Pos{File: dir}, "duplicate-name", "one folder", "remove the one that is out of date",
				"%s and %s are one folder under two names", first, dir)
		}
	}
}

// each reads the resources of a collection: a folder each, named by the
// resource, with one document in it.
func (l *apimLoader) each(dir string, doc document, f func(id, dir string, at Pos, properties *value)) {
	seen := map[string]string{}
	for _, name := range l.dirs(dir) {
		sub := path.Join(dir, name)
		file, data, ok := l.takeOne(sub, doc.files())
		if !ok {
			l.missing(sub, doc.files()[0])
			continue
		}
		at := Pos{File: file}
		id, _, _ := strings.Cut(name, ";rev=")
		switch first := seen[strings.ToLower(name)]; {
		case !validID(id):
			l.r.Add(at, "invalid-value", "a resource name without * # & + : < > ?", "", "the folder %q is not named as a resource can be", name)
			l.skip(sub)
			continue
		case first != "":
			l.r.Add(at, "duplicate-name", "each resource once; names are compared without case", "remove one",
				"%q and %q are one resource", first, name)
			l.skip(sub)
			continue
		}
		seen[strings.ToLower(name)] = name
		if properties := l.document(file, data, doc); properties != nil {
			f(name, sub, at, properties)
		} else {
			l.skip(sub)
		}
	}
}

// takeOne is the first of the files that dir has.
func (l *apimLoader) takeOne(dir string, names []string) (file string, data []byte, ok bool) {
	for _, name := range names {
		file = path.Join(dir, name)
		if data, ok = l.take(file); ok {
			return file, data, true
		}
	}
	return "", nil, false
}

// missing reports a folder without its document, unless nothing is in it that
// would be skipped.
func (l *apimLoader) missing(dir, file string) {
	var names []string
	for _, p := range l.in(dir) {
		names = append(names, path.Base(p))
	}
	near := nearest(file, names)
	mend := "extract it again, or remove the folder"
	if near != "" {
		mend = fmt.Sprintf("rename %q", near)
	}
	l.skip(dir)
	l.r.Add(Pos{File: dir}, "missing-file", file, mend, "the folder has no %s", file)
}

// document parses an information file and returns its properties; nil when it
// has none that can be read.
func (l *apimLoader) document(file string, data []byte, doc document) *value {
	src := l.r.source(file, data)
	root := parseJSON(src, informationBounds(), l.r)
	if root == nil {
		return nil
	}
	unresolved(root, l.r)
	l.fields(src).check(root, doc.fields, "")
	properties := root.get("properties")
	switch {
	case root.kind != kindObject: // reported with the fields
		return nil
	case properties == nil || properties.kind == kindNull:
		return &value{kind: kindObject, pos: root.pos}
	case properties.kind != kindObject:
		return nil
	default:
		return properties
	}
}

// policy reads the policy of a folder; nil when there is none. Its encoding is
// the business of whoever reads it as XML.
func (l *apimLoader) policy(dir string) *PolicyFile {
	p := path.Join(dir, policyFile)
	data, ok := l.take(p)
	if !ok {
		return nil
	}
	src := l.r.source(p, data)
	if (bounds{bytes: maxPolicyBytes}).tooLarge(src, l.r) {
		return nil
	}
	return &PolicyFile{Path: p, Source: data}
}

// leftOver reports what nothing has read.
func (l *apimLoader) leftOver() {
	reported := map[string]bool{}
	for _, p := range l.unclaimed(apimDir) {
		parts := strings.Split(p, "/")
		switch top := parts[1]; {
		case len(parts) > 2 && !l.known(top):
			if !reported[top] {
				l.unknownFolder(top)
			}
			reported[top] = true
		case l.inert(parts):
			l.r.Note(Pos{File: p}, "no-effect", "the file has no effect here")
		default:
			l.unknownFile(p)
		}
	}
}

func (l *apimLoader) known(top string) bool {
	return contains(inertFolders(), top) || contains(l.collectionNames(), top)
}

func (l *apimLoader) collectionNames() []string {
	var names []string
	for _, c := range l.collections() {
		names = append(names, c.names...)
	}
	return names
}

func (l *apimLoader) unknownFolder(top string) {
	pos := Pos{File: path.Join(apimDir, top)}
	if top == "workspaces" {
		l.r.Add(pos, "unsupported", "", "move what is meant to run here out of the workspace", "workspaces are not supported")
		return
	}
	all := append(l.collectionNames(), inertFolders()...)
	l.r.Add(pos, "unknown-file", oneOf(all), didYouMean(top, all), "%q is no folder of API Management artifacts", top)
}

// inert reports whether a file lies in a folder without effect, or is prose. A
// document under another ending, such as policy.xml.bak, is neither: who wrote
// it may think that it counts.
func (l *apimLoader) inert(parts []string) bool {
	for _, dir := range parts[1 : len(parts)-1] {
		if contains(inertFolders(), dir) {
			return true
		}
	}
	name := strings.ToLower(parts[len(parts)-1])
	if strings.HasSuffix(name, ".test.yaml") { // tests of policies
		return true
	}
	stem, _, _ := strings.Cut(name, ".")
	for _, known := range fileNames() {
		if before, _, _ := strings.Cut(strings.ToLower(known), "."); stem == before {
			return false
		}
	}
	switch path.Ext(name) {
	case ".json", ".xml", ".yaml", ".yml", ".graphql", ".wsdl", ".wadl", ".xsd":
		return false
	}
	return true
}

// fileNames are the names of all files that are read in apim/.
func fileNames() []string {
	names := append([]string{policyFile, "apis.json", "groups.json", "tags.json"}, specifications()...)
	for _, d := range documents() {
		names = append(names, d.files()...)
	}
	return names
}

func (l *apimLoader) unknownFile(p string) {
	known := fileNames()
	name := path.Base(p)
	if contains(known, name) {
		l.r.Add(Pos{File: p}, "unknown-file", "", "move or remove it", "nothing reads %q at this place", name)
		return
	}
	l.r.Add(Pos{File: p}, "unknown-file", "the files that APIOps writes", didYouMean(name, known), "nothing reads %q", name)
}
