package repo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// words are what no file says, with the reason. Each pattern is spelled so
// that it does not find itself.
func words() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"unfinished work": regexp.MustCompile(`\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b`),
		// Which registry, mirror or proxy is used is the machine's business.
		"registry host": regexp.MustCompile(`registry\.npmjs\.[o]rg|registry\.yarnpkg\.[c]om|proxy\.golang\.[o]rg|sum\.golang\.[o]rg|deb\.debian\.[o]rg|GO[P]ROXY=|npm_config_[r]egistry`),
		"private key":   regexp.MustCompile(`-----BEGIN ([A-Z]+ )?PRIVATE [K]EY-----`),
	}
}

// checkWords finds words that do not belong into the project, and strings that
// tell on the machine it was written on.
func checkWords(tr tree, private []string) []string {
	var out []string
	table := words()
	for _, p := range tr.paths("") {
		for n, line := range lines(tr[p]) {
			for _, why := range slices.Sorted(maps.Keys(table)) {
				if hit := table[why].FindString(line); hit != "" {
					out = append(out, fmt.Sprintf("%s:%d: %s: %s", p, n, why, hit))
				}
			}
			for _, s := range private {
				if strings.Contains(line, s) {
					out = append(out, fmt.Sprintf("%s:%d: path of a machine: %s", p, n, s))
				}
			}
		}
	}
	return out
}

// machineStrings are the paths of this machine that may slip into a file:
// where the repository lies, and where its user lives. Directories that every
// machine has tell nothing.
func machineStrings(root string) []string {
	everywhere := []string{"/", "/tmp", "/root", "/home", "/srv", "/opt", "/var", "/usr", "/src", "/app", "/build", "/var/tmp", "/usr/src", "/usr/local/src"}
	home, _ := os.UserHomeDir()
	var out []string
	for _, dir := range []string{root, filepath.Dir(root), home} {
		if dir != "" && !slices.Contains(everywhere, filepath.Clean(dir)) {
			out = append(out, filepath.Clean(dir)+"/")
		}
	}
	return out
}
