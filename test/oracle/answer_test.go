package oracle

import (
	"encoding/json"
	"strings"
	"testing"
)

func answer(t *testing.T, text string) Answer {
	t.Helper()
	var a Answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return a
}

func TestAnswerJSON(t *testing.T) {
	for _, text := range []string{
		`{"type":"System.String","value":"<a> & \ud800 é"}`,
		`{"type":"System.Decimal","value":1.50}`,
		`{"type":null,"value":null}`,
		`{"error":{"type":"System.FormatException","message":"bad <x>"}}`,
		`{"error":{"type":"compile","code":"CS1503","message":"no"}}`,
	} {
		if got := answer(t, text).String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct{ want, got, difference string }{
		{`{"type":"System.String","value":"\u00e9\ud83d\ude00"}`, `{"type":"System.String","value":"é😀"}`, ""},
		{`{"type":"System.String","value":"\ud800"}`, `{"type":"System.String","value":"\ufffd"}`, "value"},
		{`{"type":"System.Double","value":1E+20}`, `{"type":"System.Double","value":100000000000000000000}`, ""},
		{`{"type":"System.Double","value":-0}`, `{"type":"System.Double","value":0}`, "value"},
		{`{"type":"System.Double","value":"NaN"}`, `{"type":"System.Double","value":"NaN"}`, ""},
		{`{"type":"System.Single","value":0.1}`, `{"type":"System.Single","value":0.10000000149011612}`, ""},
		{`{"type":"System.Decimal","value":1.50}`, `{"type":"System.Decimal","value":1.5}`, "value"},
		{`{"type":"System.Int32","value":1}`, `{"type":"System.Int64","value":1}`, "type System.Int64, want System.Int32"},
		{`{"type":null,"value":null}`, `{"type":"System.String","value":""}`, "want null"},
		{`{"type":null,"value":null}`, `{"type":null,"value":null}`, ""},
		{`{"error":{"type":"System.Exception","message":"a"}}`, `{"error":{"type":"System.Exception","message":"b"}}`, "message"},
		{`{"error":{"type":"System.Exception","message":"a"}}`, `{"type":"System.Int32","value":1}`, "want error"},
		{`{"type":"System.Int32","value":1}`, `{"error":{"type":"System.Exception","message":"a"}}`, "error"},
		{`{"error":{"type":"compile","code":"CS0103","message":"a"}}`, `{"error":{"type":"compile","code":"CS0103","message":"b"}}`, ""},
		{`{"error":{"type":"compile","code":"CS0103","message":"a"}}`, `{"error":{"type":"compile","code":"CS0246","message":"a"}}`, "CS0246"},
		{`{"error":{"type":"compile","code":"CS1525","message":"a"}}`, `{"error":{"type":"compile","code":"CS1026","message":"b"}}`, ""},
	} {
		got := Compare(answer(t, c.want), answer(t, c.got))
		if (got == "") != (c.difference == "") || !strings.Contains(got, c.difference) {
			t.Errorf("want %s, got %s: %q, want %q in it", c.want, c.got, got, c.difference)
		}
	}
}

func TestDifferences(t *testing.T) {
	d, err := ParseDifferences(`// Text.

# newer Newtonsoft

a/1
  ours: {"type":"System.Int32","value":2}
  evidence: https://www.newtonsoft.com/json
b/1
  ours: {"type":"System.Int32","value":1}
  evidence: x
c/1
  ours: {"type":null,"value":null}
  evidence: x
`)
	if err != nil {
		t.Fatal(err)
	}
	one := answer(t, `{"type":"System.Int32","value":1}`)
	rows := []*Row{{ID: "a/1", Want: one, Recorded: true}, {ID: "b/1", Want: one, Recorded: true}}
	if got := d.Compare(rows[0], answer(t, `{"type":"System.Int32","value":2}`)); got != "" {
		t.Errorf("a/1: %s", got)
	}
	if got := d.Compare(rows[0], one); got == "" {
		t.Error("a/1: Mono's answer passes")
	}
	stale := strings.Join(d.Stale(rows), "; ")
	if stale != "b/1: Mono says the same; c/1: there is no such row" {
		t.Errorf("stale: %s", stale)
	}
}

func TestDifferencesErrors(t *testing.T) {
	for in, want := range map[string]string{
		"# because": "not one of the headings",
		"a/1\n  ours: {\"type\":null,\"value\":null}\n  evidence: x":                                             "before the first heading",
		"# newer Newtonsoft\na/1\n  ours: {\"type\":null,\"value\":null}":                                        "no evidence",
		"# newer Newtonsoft\na/1\n  evidence: x":                                                                 "no answer",
		"# newer Newtonsoft\na/1\n  ours: {\"type\":null,\"value\":null}\n  evidence: x\na/1\n  evidence: again": "twice",
	} {
		if _, err := ParseDifferences(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", in, err, want)
		}
	}
}
