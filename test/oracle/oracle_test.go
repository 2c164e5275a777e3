package oracle_test

import (
	"testing"

	"github.com/cloister-ai/cloister/test/oracle"
)

// TestAnswers: every row has an answer that fits its word, and every entry of
// differences.txt is needed.
func TestAnswers(t *testing.T) {
	rows, err := oracle.Load()
	if err != nil {
		t.Fatal(err)
	}
	diffs, err := oracle.LoadDifferences(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !r.Recorded {
			t.Errorf("%s: no answer; run: make oracle", r.ID)
			continue
		}
		if trouble := r.Trouble(); trouble != "" && !diffs.Has(r.ID) {
			t.Errorf("%s: %s", r.ID, trouble)
		}
	}
	for _, s := range diffs.Stale(rows) {
		t.Errorf("differences.txt: %s", s)
	}
}

// TestMembers: every member, operator and statement has rows, but for types
// that uncovered.txt names.
func TestMembers(t *testing.T) {
	tables, err := oracle.LoadTables(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	members, err := oracle.Members(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	uncovered, err := oracle.Uncovered(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	syntax, err := oracle.Syntax(oracle.Files())
	if err != nil {
		t.Fatal(err)
	}
	rest, stale := oracle.Exempt(members, uncovered, tables)
	for _, s := range stale {
		t.Errorf("uncovered.txt: all of %s has rows; take it out", s)
	}
	for _, lack := range oracle.Coverage(tables, append(oracle.Wanted(rest), syntax...)) {
		t.Error(lack)
	}
}
