package policy

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

// Place is where a policy stands, in the words of context.LastError.
type Place struct {
	Policy, Scope, Section, Path, ID string
	// Pos is zero for a policy that no document holds.
	Pos site.Pos
}

// In reports whether a policy stands in another one.
func (p Place) In(outer Place) bool {
	return p.Section == outer.Section && p.Scope == outer.Scope && strings.HasPrefix(p.Path, outer.Path+"/")
}

// Observer hears what a pipeline does with one exchange, for traces and for
// coverage. It is called by the exchange's goroutine, or, within wait, by one
// goroutine at a time.
type Observer interface {
	// Begin and End stand around a policy, and around those in it; e is nil where
	// it did well.
	Begin(at Place)
	End(at Place, e *Error)
	// Say is what a policy tells of its work: what it set, what it computed.
	// Secret values are masked already.
	Say(at Place, name, value string)
}

func (p *place) public() Place {
	return Place{Policy: p.policy, Scope: p.scope.String(), Section: p.section.String(), Path: p.path, ID: p.id, Pos: p.pos}
}

// say tells the observer something of the policy that runs. It copies, so
// that what the observer keeps holds no body in memory.
func (x *Exchange) say(name, value string) {
	if x.Observer != nil && x.at != nil {
		x.Observer.Say(x.at.public(), strings.Clone(x.maskedStart(name, longestShown)), strings.Clone(x.maskedStart(value, longestShown)))
	}
}
