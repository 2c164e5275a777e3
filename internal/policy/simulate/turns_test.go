package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runText runs a document with descriptions that are texts.
func runText(t *testing.T, document, request, responses string) *Result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.xml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems, err := Documents{Document: file, Lenient: true}.Compile()
	if err != nil || problems.HasErrors() {
		t.Fatal(err, problems.Err())
	}
	d, err := Describe("", request)
	if err != nil {
		t.Fatal(err)
	}
	script, err := ReadScript("", []byte(responses))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewWorld(Begun).Run(t.Context(), c.Pipeline, c.Backends, d, script)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Trace { // its folder is another one each time
		r.Trace[i].At = strings.TrimPrefix(r.Trace[i].At, filepath.ToSlash(filepath.Dir(file))+"/")
	}
	return r
}

// inbound is a document of which inbound alone does something.
func inbound(policies string) string {
	return "<policies><inbound>" + policies + "</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"
}

func send(name, more string) string {
	return `<send-request mode="new" response-variable-name="` + name + `" ignore-error="true" ` + more + `><set-url>https://` + name + `.example/x</set-url></send-request>`
}

// slow are answers of a, b and c after 300, 100 and 200 ms.
const slow = `{"calls": [
  {"url": "https://a.example/*", "response": {"delay": "300ms"}},
  {"url": "https://b.example/*", "response": {"delay": "100ms"}},
  {"url": "https://c.example/*", "response": {"delay": "200ms"}}]}`

// elapsed is how long a policy took.
func elapsed(r *Result, policy string, n int) string {
	for _, e := range r.Trace {
		if e.Policy == policy {
			if n--; n < 0 {
				return e.Elapsed
			}
		}
	}
	return "it did not run"
}

// TestWaitOverlaps: what wait holds takes as long as the longest, or the first.
func TestWaitOverlaps(t *testing.T) {
	for name, tt := range map[string]struct {
		policies, want string
		set            string
	}{
		"all":            {`<wait for="all">` + send("a", "") + send("b", "") + send("c", "") + `</wait>`, "300ms", "a b c"},
		"any":            {`<wait for="any">` + send("a", "") + send("b", "") + send("c", "") + `</wait>`, "100ms", "b"},
		"in a choose":    {`<wait><choose><when condition="@(true)">` + send("a", "") + send("b", "") + `</when></choose>` + send("c", "") + `</wait>`, "400ms", "a b c"},
		"wait in a wait": {`<wait><choose><when condition="@(true)"><wait for="any">` + send("a", "") + send("b", "") + `</wait></when></choose>` + send("c", "") + `</wait>`, "200ms", "b c"},
		"an error ends the others": {
			`<wait>` + send("a", "") + strings.Replace(send("d", ""), `ignore-error="true"`, "", 1) + `</wait>`, "", "",
		},
		"one in hand for another": {
			`<wait>` + strings.Repeat(`<choose><when condition="@(true)"><cache-value key="k" expires-after="60" refresh-after="30" variable-name="v"><value>`+send("a", "")+`<set-variable name="v" value="x" /></value></cache-value></when></choose>`, 2) + `</wait>`, "300ms", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := runText(t, inbound(tt.policies), "", slow)
			if got := elapsed(r, "wait", 0); got != tt.want {
				t.Errorf("wait took %q, want %q: %+v", got, tt.want, r.Trace)
			}
			var set []string
			for _, v := range r.Variables {
				if len(v.Name) == 1 && v.Name != "v" {
					set = append(set, v.Name)
				}
			}
			if got := strings.Join(set, " "); tt.set != "" && got != tt.set {
				t.Errorf("it set %q, want %q", got, tt.set)
			}
		})
	}
}

// TestSameAgain: the same description gives the same, whatever runs at the same
// time.
func TestSameAgain(t *testing.T) {
	document := inbound(`<wait><choose><when condition="@(true)"><wait for="any">` + send("a", "") + send("b", "") +
		`</wait></when></choose>` + send("c", "") + send("b", "") + strings.Repeat(`<choose><when condition="@(true)">
		<set-variable name="id" value="@(Guid.NewGuid().ToString())" />`+send("b", "")+`</when></choose>`, 5) + `</wait>
		<llm-content-safety backend-id="safe" shield-prompt="true" window-size="1000"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`)
	body, err := json.Marshal(`{"messages":[{"role":"user","content":"` + strings.Repeat("hello ", 2000) + `"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	request := `{"request": {"method": "POST", "headers": {"Content-Type": ["application/json"]}, "body": ` + string(body) + `}}`
	answers := strings.TrimSuffix(slow, "]}") + `, {"url": "backend:safe/**", "response": [{"body": {"categoriesAnalysis": [{"category": "Hate", "severity": 0}]}, "delay": "10ms"},
		{"body": {"categoriesAnalysis": [{"category": "Hate", "severity": 6}]}, "delay": "5ms"}]}]}`
	var first string
	for i := range 100 {
		r := runText(t, document, request, answers)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = string(text)
			if len(r.Calls) < 10 {
				t.Fatalf("only %d calls: %s", len(r.Calls), first)
			}
		}
		if string(text) != first {
			t.Fatalf("run %d is another one:\n%s\n%s", i, text, first)
		}
	}
}

// TestTurns: who wakes first is next; who has nothing to wait for any longer wakes
// at once.
func TestTurns(t *testing.T) {
	w := NewWorld(Begun)
	ctx, cancel := context.WithCancel(t.Context())
	landed := make(chan struct{})
	var order []string
	note := func(s string) { order = append(order, s+" "+w.clock().Sub(Begun).String()) }
	w.turns.Together(5, func(i int) {
		switch i {
		case 0:
			if w.turns.sleep(ctx, time.Hour) == nil {
				t.Error("the hour is not broken off")
			}
			note("cancelled")
		case 1:
			_ = w.turns.sleep(t.Context(), 2*time.Second)
			note("two")
			cancel()
			close(landed)
		case 2:
			_ = w.turns.sleep(t.Context(), time.Second)
			note("one")
		case 3:
			if err := w.turns.Await(t.Context(), landed, time.Minute); err != nil {
				t.Error(err)
			}
			note("landed")
		case 4:
			if w.turns.Await(t.Context(), make(chan struct{}), time.Minute) == nil {
				t.Error("what never happens has happened")
			}
			note("a minute")
		}
	})
	note("all")
	w.turns.Together(0, nil)
	if got, want := strings.Join(order, ", "), "one 1s, two 2s, cancelled 2s, landed 2s, a minute 1m0s, all 1m0s"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestTraceOfWait: in a trace each policy stands behind the one in which it ran,
// with its own time, whoever ran meanwhile.
func TestTraceOfWait(t *testing.T) {
	r := runText(t, inbound(`<wait><choose><when condition="@(true)">`+send("a", "")+`<set-variable name="v" value="1" /></when></choose>`+send("b", "")+`</wait><set-variable name="w" value="2" />`), "", slow)
	var got strings.Builder
	for _, e := range r.Trace {
		fmt.Fprintf(&got, "%d %s %s", e.Depth, e.Policy, e.Elapsed)
		for _, s := range e.Said {
			fmt.Fprintf(&got, " %s=%s", s.Name, s.Value)
		}
		got.WriteString("\n")
	}
	want := `0 wait 300ms
1 choose 300ms condition=True branch=wait[1]/choose[1]/when[1]
2 send-request 300ms call=GET https://a.example → 200
2 set-variable  v=1
1 send-request 100ms call=GET https://b.example → 200
0 set-variable  w=2
0 forward-request 
`
	if got.String() != want {
		t.Errorf("%s\nwant\n%s", got.String(), want)
	}
}
