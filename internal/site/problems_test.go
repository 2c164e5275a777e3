package site

import "testing"

// TestProblems holds every site of testdata/problems to the problems that its
// file lists: each rule with its place, expectation and mend. Notes are left
// out; TestFields has them.
func TestProblems(t *testing.T) {
	eachFixture(t, "problems", func(t *testing.T, files map[string]string) string {
		_, ps := load(t, files)
		return render(ps)
	})
}
