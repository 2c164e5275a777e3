package site

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest is the candidate that name is most likely a slip of, compared without
// case; empty when none is near.
func Nearest(name string, candidates []string) string { return nearest(name, candidates) }

// nearest is the candidate with the smallest edit distance to name, compared
// without case. It is empty when none is near enough to be a likely slip: more
// than a third of the longer name would have to change.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", -1
	lower := strings.ToLower(name)
	for _, c := range candidates {
		d := editDistance(lower, strings.ToLower(c))
		if d > max(1, max(len(c), len(name))/3) {
			continue
		}
		if bestDistance < 0 || d < bestDistance || (d == bestDistance && c < best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment). Names longer than 128 bytes are not
// compared, so that the work stays bounded.
func editDistance(a, b string) int {
	if len(a) > 128 || len(b) > 128 {
		return max(len(a), len(b))
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	older, old, now := rows[0], rows[1], rows[2]
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(old[j]+1, now[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], older[j-2]+1)
			}
		}
		older, old, now = old, now, older
	}
	return old[len(b)]
}

// didYouMean is a mend that names the nearest candidate; empty without one.
func didYouMean(name string, candidates []string) string {
	if n := nearest(name, candidates); n != "" {
		return fmt.Sprintf("write %q", n)
	}
	return ""
}

// oneOf lists names for the "expected" part of a problem: all of them when they
// are few, else the first in order and how many there are.
func oneOf(names []string) string {
	const most = 12
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	if len(sorted) > 0 && sorted[0] == "" {
		sorted = sorted[1:] // an element without its name was reported
	}
	switch len(sorted) {
	case 0:
		return "a name that exists; there is none yet"
	case 1:
		return sorted[0]
	}
	if len(sorted) <= most {
		return "one of " + strings.Join(sorted, ", ")
	}
	return fmt.Sprintf("one of %s … (%d in all)", strings.Join(sorted[:most], ", "), len(sorted))
}
