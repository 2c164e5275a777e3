package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// binary is the package that is shipped.
const binary = "./cmd/cloister"

// platforms are those that we build for; a module may belong to one alone.
func platforms() []string { return []string{"linux/amd64", "linux/arm64", "darwin/arm64"} }

// mod is one module that the project is built from.
type mod struct {
	Path, Version, Dir string
	// Shipped: it is in the binary. Otherwise only tests need it.
	Shipped bool
	// Direct: the project's own packages import it.
	Direct bool
	// Licences are what its texts were found to be.
	Licences []string
}

func (m *mod) line() string {
	use := "tests"
	if m.Shipped {
		use = "binary"
	}
	return fmt.Sprintf("%-6s  %-28s  %s %s", use, strings.Join(m.Licences, ", "), m.Path, m.Version)
}

// goPackage is what "go list" says about a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	ForTest    string
	Imports    []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// listModules lists what the binary and the tests are built from, sorted.
func listModules() ([]mod, error) {
	found := map[string]*mod{}
	for _, p := range platforms() {
		packages, err := goList(p, "-deps", binary)
		if err != nil {
			return nil, err
		}
		collect(found, packages, true)
	}
	packages, err := goList(platforms()[0], "-deps", "-test", "./...")
	if err != nil {
		return nil, err
	}
	collect(found, packages, false)
	var out []mod
	for _, path := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[path])
	}
	return out, nil
}

// collect adds the modules of the packages, and marks those that the project's
// own packages import.
func collect(found map[string]*mod, packages []goPackage, shipped bool) {
	owner := map[string]string{}
	for _, p := range packages {
		if p.Module == nil || p.Module.Main {
			continue
		}
		owner[p.ImportPath] = p.Module.Path
		m := found[p.Module.Path]
		if m == nil {
			m = &mod{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
			found[m.Path] = m
		}
		m.Shipped = m.Shipped || shipped
	}
	for _, p := range packages {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, i := range p.Imports {
			if path, ok := owner[i]; ok {
				found[path].Direct = true
			}
		}
	}
}

// goList runs "go list" for one platform. Packages that cannot be loaded are
// an error: their modules would be missing.
func goList(platform string, args ...string) ([]goPackage, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,ForTest,Imports,Module"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s for %s: %w\n%s", strings.Join(args, " "), platform, err, &stderr)
	}
	var packages []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// texts are the module's licence files, sorted.
func (m *mod) texts() ([]string, error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; run: go mod download", m.Path, err)
	}
	var out []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if !e.IsDir() && (strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING") || strings.HasPrefix(name, "UNLICEN")) {
			out = append(out, filepath.Join(m.Dir, e.Name()))
		}
	}
	return out, nil
}

// classify fills Licences and returns what is wrong.
func (m *mod) classify() (faults []string) {
	files, err := m.texts()
	if err != nil {
		return []string{err.Error()}
	}
	found := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		ids, err := classifyFile(m.Path, filepath.Base(f), string(text))
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %s: %v", m.Path, filepath.Base(f), err))
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	m.Licences = slices.Sorted(maps.Keys(found))
	if len(found) == 0 && len(faults) == 0 {
		faults = append(faults, m.Path+": no licence text")
	}
	return faults
}

// printTexts prints every licence text of the binary's modules.
func printTexts(out io.Writer, modules []mod) error {
	for _, m := range modules {
		if !m.Shipped {
			continue
		}
		files, err := m.texts()
		if err != nil {
			return err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "==== %s %s: %s\n\n%s\n", m.Path, m.Version, filepath.Base(f), text)
		}
	}
	return nil
}
