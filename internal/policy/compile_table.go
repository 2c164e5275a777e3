package policy

import (
	"maps"
	"slices"
)

// entry is what is known of a policy.
type entry struct {
	name     string
	sections sectionSet
	// tolerated are sections that the reference does not name and public
	// documents use; a warning there.
	tolerated sectionSet
	scopes    scopeSet
	// does is the line of docs/policies.md.
	does string

	// compile is nil where the policy does not run, and missing then says why
	// if it is more than time.
	compile func(*compiler, *Node) statement
	missing string
	// instead says what to do where the policy does not run; empty: remove it.
	instead string

	attributes []attribute
	children   []child
	text       textRule
	// expression: the policy's text may be an expression.
	expression bool
	// connects: the policy opens connections.
	connects bool

	// tier says how much of the policy is built: A is complete, B after A, C is
	// read and checked but does not run: its compile is nil.
	tier tier
	// page is what the manual says of the policy beside its tables.
	page page
}

// tier is A, B or C; empty: nothing is built.
type tier string

const (
	tierA tier = "A"
	tierB tier = "B"
	tierC tier = "C"
)

// page is the prose of a policy's page in docs/policies, in Markdown. A page
// without an intro is written by hand around its tables.
type page struct {
	intro string
	// example is one or more policies as they stand in a section, inbound unless
	// a comment before them says another one: <!-- outbound -->.
	example string
	// behaviour and differences from Azure are sentences, one point each.
	behaviour, differences []string
	errors                 []errorLine
}

// errorLine is an error that a policy gives: its reason in context.LastError,
// and when.
type errorLine struct{ reason, when string }

// attribute is what is known of an attribute.
type attribute struct {
	name     string
	required bool
	// expected says what the value is; otherwise is the default, for people.
	expected, otherwise string
	// refused says why the attribute cannot be used; empty: it can.
	refused string
	// expression: an expression may stand there.
	expression bool
	// kind is what the value has to be, for policies that are only looked at;
	// those that run look at their values themselves.
	kind valueKind
}

// valueKind is what a value has to be; the zero valueKind is text.
type valueKind struct {
	// boolean: true or false.
	boolean bool
	// words: one of them, without case.
	words []string
	// A whole number from low to high, where high is not zero.
	low, high int
}

// child is what is known of an element in a policy.
type child struct {
	name string
	// required: at least one; many: more than one.
	required, many bool
	// anywhere: the order is free.
	anywhere bool
	// policy: the element is a policy, checked as one.
	policy     bool
	expected   string
	attributes []attribute
	children   []child
	text       textRule
	// expression: its text may be an expression.
	expression bool
}

// textRule says what an element holds beside elements of its own.
type textRule uint8

const (
	noText textRule = iota
	hasText
	// holdsPolicies: policies, which are compiled as such.
	holdsPolicies
	// opaque: another language, of which nothing is looked at.
	opaque
)

// why ends the sentence "the policy … ".
func (e *entry) why() string {
	if e.missing != "" {
		return e.missing
	}
	return "is not built yet"
}

// mend says what to do about a policy that does not run.
func (e *entry) mend() string {
	if e.instead != "" {
		return e.instead + "; docs/policies.md lists the policies that run"
	}
	return "remove it; docs/policies.md lists the policies that run"
}

// table is the catalogue by name.
func table() map[string]*entry {
	list := catalogue()
	m := make(map[string]*entry, len(list))
	for i := range list {
		m[list[i].name] = &list[i]
	}
	return m
}

func policyNames(entries map[string]*entry) []string {
	return slices.Sorted(maps.Keys(entries))
}

// Sections and scopes as the table below has them.
const (
	inOnly       = sectionSet(1 << inbound)
	inOut        = sectionSet(1<<inbound | 1<<outbound)
	outOnly      = sectionSet(1 << outbound)
	inBack       = sectionSet(1<<inbound | 1<<backend)
	backOnly     = sectionSet(1 << backend)
	inErr        = sectionSet(1<<inbound | 1<<onError)
	outErr       = sectionSet(1<<outbound | 1<<onError)
	inOutErr     = sectionSet(1<<inbound | 1<<outbound | 1<<onError)
	inOutBack    = sectionSet(1<<inbound | 1<<outbound | 1<<backend)
	belowGlobal  = everyScope &^ (1 << global)
	notOperation = everyScope &^ (1 << operation)
	productOnly  = scopeSet(1 << product)
	globalOnly   = scopeSet(1 << global)
)

// Reasons for which a policy does not run that are more than time.
const (
	needsResolver = "belongs to GraphQL resolvers, which are not built"
	needsDapr     = "needs a Dapr sidecar, which is not built"
)

// What to do without policies that protect: "remove it" alone would take a lock
// off without a word.
const (
	withoutLimit = "remove it only if calls may go without this limit: nothing else sets it"
	withoutCheck = "remove it only if requests may go without this check: nothing else makes it"
	withLogin    = "remove it, and give the backend its credential in cloister.yaml, under backends"
)

// catalogue holds every policy of API Management's reference, and those that only
// its schemas know, with the sections and scopes in which they may stand.
func catalogue() []entry {
	return slices.Concat(
		[]entry{baseEntry(), includeFragmentEntry()},
		controlPolicies(),
		limitPolicies(),
		tokenPolicies(),
		identityPolicies(),
		validationPolicies(),
		safetyPolicies(),
		routingPolicies(),
		cachingPolicies(),
		transformationPolicies(),
		integrationPolicies(),
	)
}

func baseEntry() entry {
	return entry{
		name: "base", sections: everySection, scopes: belowGlobal,
		does: "the policies of the scope above",
		tier: tierA, page: page{
			intro: "Runs the policies of the scope above in this place: global → product → API → operation.",
			example: `
<policies>
  <inbound>
    <set-header name="X-First"><value>before the scopes above</value></set-header>
    <base />
    <set-header name="X-Last"><value>after them</value></set-header>
  </inbound>
</policies>`,
			behaviour: []string{
				"At most once in a section; not in fragments, and not in another policy.",
				"A section without it leaves the scopes above out, the global ones included.",
			},
		},
		compile: func(*compiler, *Node) statement { return nil },
	}
}
