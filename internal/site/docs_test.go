package site

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const docsDir = "../../docs/"

// complete is the site that gives every field.
func complete(t testing.TB) map[string]string {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/complete.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range ar.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// TestComplete: the examples of the manual make a site that loads without a
// warning, and leave no field out.
func TestComplete(t *testing.T) {
	files := complete(t)
	if s, ps := load(t, files); s == nil || render(ps) != "accepted\n" {
		t.Fatal(render(ps))
	}
	given := map[string]bool{}
	for _, name := range []string{"cloister.yaml", "variant.yaml"} {
		c := decodeConfig(newSource(name, []byte(files[name])), newReport())
		for place := range c.places {
			given[generalPlace(place)] = true
		}
	}
	walkFields(configFields(), "", func(path string, _ field) {
		if !given[strings.ReplaceAll(path, ".ID", ".*")] {
			t.Errorf("no example gives %s", path)
		}
	})
	if err := validate(t, compileSchema(t), files["cloister.yaml"]); err != nil {
		t.Error(err)
	}
}

// walkFields calls f for every field with its path: "listeners[].port",
// "backends.ID.url". What stands in a secret reference has a table of its own.
func walkFields(fields []field, prefix string, f func(path string, fl field)) {
	for _, fl := range fields {
		path := join(prefix, fl.name)
		f(path, fl)
		switch {
		case fl.secret || (fl.elem != nil && fl.elem.secret):
		case fl.typ == typeObject:
			walkFields(fl.fields, path, f)
		case fl.typ == typeList:
			walkFields(fl.elem.fields, path+"[]", f)
		case fl.typ == typeMap:
			walkFields(fl.elem.fields, path+".ID", f)
		}
	}
}

// TestDocs: the tables of the manual are those of the code.
func TestDocs(t *testing.T) {
	t.Run("site", func(t *testing.T) {
		checkPage(t, docsDir+"site.md", "fields", siteFields(complete(t)["cloister.yaml"]))
		checkPage(t, docsDir+"site.md", "secrets", fieldTable("", secretRef("", "").fields))
		checkPage(t, docsDir+"site.md", "bounds", siteBounds())
	})
	t.Run("apim-folder", func(t *testing.T) {
		checkPage(t, docsDir+"apim-folder.md", "files", folderTable())
		checkPage(t, docsDir+"apim-folder.md", "fields", documentTables())
	})
	t.Run("network-folder", func(t *testing.T) {
		checkPage(t, docsDir+"network-folder.md", "fields", resourceTables())
		checkPage(t, docsDir+"network-folder.md", "reachability", fieldTable("", below(field{typ: typeObject, fields: reachabilityFields().fields})))
	})
}

// checkPage holds one generated part of a page against what the code makes.
func checkPage(t *testing.T, page, part, want string) {
	t.Helper()
	begin := "<!-- " + part + ", written by: go test ./internal/site -run TestDocs -update -->\n"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	got, after, ok2 := strings.Cut(rest, "<!-- end -->\n")
	if !ok || !ok2 {
		t.Fatalf("%s has no place for %s", page, part)
	}
	want = "\n" + want + "\n"
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+want+"<!-- end -->\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not fresh; run go test ./internal/site -run TestDocs -update (-want +got)\n%s", page, diff)
	}
}

// siteFields is a section for each field at the top of cloister.yaml, with its
// part of the example.
func siteFields(example string) string {
	var b strings.Builder
	for i, f := range configFields() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", f.name, cell(f.doc+facts(f)))
		fmt.Fprintf(&b, "```yaml\n%s```\n", exampleOf(example, f.name))
		table := fieldTable(f.name, below(f))
		if f.name == "destinations" {
			table = destinationTables(f)
		}
		if table != "" {
			b.WriteString("\n" + table)
		}
	}
	return b.String()
}

// below are the fields in f, with their paths.
func below(f field) []field {
	var all []field
	walkFields([]field{f}, "", func(path string, fl field) {
		if path != f.name {
			fl.name = path
			all = append(all, fl)
		}
	})
	return all
}

// destinationTables are the classes, and the fields of a destination, which are
// those of every class; only the port differs, and class model has no public.
func destinationTables(f field) string {
	var b strings.Builder
	b.WriteString("| class | type | meaning |\n|---|---|---|\n")
	var destination []field
	for _, class := range f.fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", class.name, typeWords(class), cell(class.doc))
		if class.name == "call" {
			destination = class.elem.fields
		}
	}
	for i := range destination {
		switch d := &destination[i]; d.name {
		case "port":
			d.doc += " In class name the default is 53."
		case "public":
			d.doc += " Not in class model."
		case "caFile":
			d.doc += " In classes call and identity only; in identity for what policies fetch."
		}
	}
	return b.String() + "\n" + fieldTable("", destination)
}

// facts are type and default of a field of the top, as sentences.
func facts(f field) string {
	s := " Type: " + typeWords(f) + "."
	switch {
	case f.required:
		s += " Required."
	case f.def != "":
		s += " Default: `" + f.def + "`."
	}
	return s
}

// exampleOf is the part of the example with one field of the top.
func exampleOf(example, name string) string {
	var b strings.Builder
	in := false
	for line := range strings.Lines(example) {
		if !strings.ContainsAny(line[:1], " -#\n") {
			in = strings.HasPrefix(line, name+":")
		}
		if in {
			b.WriteString(line)
		}
	}
	return b.String()
}

// fieldTable is the table of fields; prefix and a dot are taken off their paths.
func fieldTable(prefix string, fields []field) string {
	var rows []string
	for _, f := range fields {
		def := ""
		switch {
		case f.required:
			def = "required"
		case f.def != "":
			def = "`" + f.def + "`"
		}
		name := strings.TrimPrefix(f.name, prefix+".")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, typeWords(f), def, cell(f.doc)))
	}
	if len(rows) == 0 {
		return ""
	}
	return "| field | type | default | meaning |\n|---|---|---|---|\n" + strings.Join(rows, "")
}

// typeWords is the type of a field for the manual.
func typeWords(f field) string {
	switch f.typ {
	case typeList:
		return "list of " + plural(*f.elem)
	case typeMap:
		return plural(*f.elem) + " by " + map[bool]string{true: "display name", false: "id"}[f.elem.secret]
	case typeInteger:
		return fmt.Sprintf("integer, %d to %d", f.min, f.max)
	case typeNumber:
		return fmt.Sprintf("number, %d to %d", f.min, f.max)
	case typeDuration:
		return "duration"
	case typePrefix:
		return "address range"
	case typeAddress:
		return "IP address"
	case typeBoolean:
		return "boolean"
	case typeObject:
		if f.secret {
			return "[secret](#secrets)"
		}
		if f.one {
			return "object with one member"
		}
		return "object"
	}
	if len(f.enum) > 0 {
		return "`" + strings.Join(f.enum, "` `") + "`"
	}
	return "text"
}

func plural(f field) string {
	switch {
	case f.secret:
		return "[secrets](#secrets)"
	case f.typ == typeList && len(f.elem.enum) > 0:
		return "lists of " + typeWords(*f.elem)
	case f.typ == typeObject:
		return "objects"
	case f.typ == typeAddress:
		return "IP addresses"
	case len(f.enum) > 0:
		return typeWords(f)
	}
	return "texts"
}

// cell is text for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "|", "\\|") }

func siteBounds() string {
	config, info, spec := configBounds(), informationBounds(), specificationBounds()
	var b strings.Builder
	b.WriteString("| what | at most |\n|---|---|\n")
	for _, row := range [][2]string{
		{"the site in all", byteSize(maxSiteBytes)},
		{"files", fmt.Sprint(maxFiles)},
		{"folders in folders", fmt.Sprint(maxDepth)},
		{"one file", byteSize(maxFileBytes)},
		{"`cloister.yaml`", fmt.Sprintf("%s, %d values, %d levels", byteSize(config.bytes), config.values, config.depth)},
		{"a document of `apim/`", fmt.Sprintf("%s, %d values, %d levels", byteSize(info.bytes), info.values, info.depth)},
		{"an OpenAPI document", fmt.Sprintf("%s, %d values, %d levels", byteSize(spec.bytes), spec.values, spec.depth)},
		{"a policy document", byteSize(maxPolicyBytes)},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	return b.String()
}

// folderTable is the collections of apim/ under the names that both generations
// of the tool use.
func folderTable() string {
	var b strings.Builder
	b.WriteString("| folder | also named |\n|---|---|\n")
	for _, c := range (&apimLoader{}).collections() {
		fmt.Fprintf(&b, "| `%s/` | %s |\n", c.names[0], codeList(c.names[1:], "/"))
	}
	fmt.Fprintf(&b, "\nKnown and without effect, at the top and in the folder of an API or product: %s.\n", codeList(inertFolders(), "/"))
	return b.String()
}

func codeList(names []string, suffix string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "`" + n + suffix + "`"
	}
	return strings.Join(quoted, ", ")
}

// documentTables is a table of fields for each type of document.
func documentTables() string {
	var b strings.Builder
	for i, d := range documents() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| field | here | |\n|---|---|---|\n", d.title, codeList(d.files(), ""))
		for _, f := range d.fields {
			if f.name == "properties" {
				documentRows(&b, f.fields, "")
			}
		}
	}
	return b.String()
}

// resourceTables is a table of fields for each type of resource in network/.
func resourceTables() string {
	var b strings.Builder
	for i, t := range networkTypes() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "### %s\n\n`%s`\n\n| field | here | |\n|---|---|---|\n", t.title, t.name)
		documentRows(&b, t.fields, "")
	}
	return b.String()
}

// documentRows writes fields; neighbours of one effect and reason share a row.
func documentRows(b *strings.Builder, fields []azureField, prefix string) {
	for i := 0; i < len(fields); {
		f := fields[i]
		names := []string{join(prefix, f.name)}
		for i++; i < len(fields) && f.effect != actedOn && fields[i].effect == f.effect && fields[i].doc == f.doc; i++ {
			names = append(names, join(prefix, fields[i].name))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", codeList(names, ""), f.effect, cell(f.doc))
		documentRows(b, f.fields, join(prefix, f.name))
		documentRows(b, f.elem, join(prefix, f.name)+"[]")
	}
}
