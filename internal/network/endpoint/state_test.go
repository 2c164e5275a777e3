package endpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cloister-ai/cloister/internal/site"
)

// TestTable: every act in every state, as the package comment has it.
func TestTable(t *testing.T) {
	got := ""
	for _, s := range States() {
		for _, a := range []Act{Approve, Reject, Remove, "undo"} {
			to, err := After(s, a)
			if err != nil {
				to = "-"
			}
			got += to + " "
		}
		got += "\n"
	}
	want := "Approved Rejected Disconnected - \n- Rejected Disconnected - \nApproved - Disconnected - \n- - - - \n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	_, err := After(site.ConnectionDisconnected, Approve)
	var bad *StateError
	if !errors.As(err, &bad) || bad.Mend() == "" || err.Error() != "a connection that is Disconnected cannot be approved" {
		t.Error(err)
	}
}

// TestHistories: whatever is done, in whatever order, the state is one of the
// four, only an approval leads to Approved, nothing leads out of Disconnected, an
// act that is refused changes nothing, and none does anything twice in a row.
func TestHistories(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	acts := []Act{Approve, Reject, Remove, "", "restore"}
	for range 20_000 {
		state := States()[r.IntN(4)]
		for range r.IntN(12) {
			act := acts[r.IntN(len(acts))]
			next, err := After(state, act)
			if err != nil {
				if next != "" {
					t.Fatalf("%s in %s: %q with %v", act, state, next, err)
				}
				continue
			}
			_, again := After(next, act)
			switch {
			case !slices.Contains(States(), next), next == state, next == site.ConnectionPending,
				state == site.ConnectionDisconnected,
				(next == site.ConnectionApproved) != (act == Approve), (next == site.ConnectionDisconnected) != (act == Remove),
				again == nil:
				t.Fatalf("%s in %s leads to %s", act, state, next)
			}
			state = next
		}
	}
}

// TestDecisions: what is let through is what the state machine says, by any
// history of decisions and documents.
func TestDecisions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		live, stored := NewLive(), map[string]string{}
		for range 30 {
			n := contoso()
			doc := add(n, "openai", "contoso", fmt.Sprintf("10.1.3.%d", 4+r.IntN(2)))
			doc.Status = States()[r.IntN(4)]
			v := live.View(compile(t, n))
			live.Enforce(v)
			e := v.Set().All()[0]
			want := doc.Status
			if s, ok := stored[e.ID]; ok {
				want = s
			}
			if next, err := After(want, []Act{Approve, Reject, Remove}[r.IntN(3)]); err == nil {
				want, stored[e.ID] = next, next
				live.Decided([]Decision{{ID: e.ID, State: next}}, false)
			}
			state, _, _ := v.State(e)
			_, refused := v.Judge("contoso.openai.azure.com", doc.Addresses[0])
			if state != want || (refused == nil) != (want == site.ConnectionApproved) {
				t.Fatalf("%s, want %s; %+v", state, want, refused)
			}
		}
	}
}
